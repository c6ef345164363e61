//! The child process of evaluators by itself, for the tests of this crate; the server program has it as a subcommand.

fn main() -> std::process::ExitCode {
    evalset_evaluate::sandbox::worker_main()
}
