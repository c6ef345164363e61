//! The program `evalset`. All it does is in the library; here is only the exit status.

fn main() -> std::process::ExitCode {
    evalset::cli::main()
}
