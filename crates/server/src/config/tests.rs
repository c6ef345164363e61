//! Sources, their order, and what each fault says.

use super::{Config, DEFAULTS, Faults, Format, Sources, as_toml, load};
use evalset_model::limits::Limits;
use std::path::PathBuf;

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Loads with a file of this text, never with one that happens to lie in the working directory.
fn with(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, Faults> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evalset.toml");
    std::fs::write(&path, file).unwrap();
    load(&Sources { file: Some(path), environment: pairs(environment), flags: pairs(flags) })
}

fn fault(file: &str, environment: &[(&str, &str)], flags: &[(&str, &str)]) -> String {
    with(file, environment, flags).unwrap_err().to_string()
}

#[test]
fn the_file_of_defaults_says_what_the_code_says() {
    let config = with("", &[], &[]).unwrap();
    assert_eq!(config.limits, Limits::default());
    assert_eq!((&config.data, config.listen.as_str()), (&PathBuf::from("./evalset-data"), "127.0.0.1:8080"));
    assert_eq!(config.span_window_seconds, 3600);
    assert_eq!(config.log, super::Log { format: Format::Text, level: "info".to_owned(), requests: true });
    assert!(config.api_key().is_none() && config.public_url.is_empty());
}

#[test]
fn the_list_of_options_is_what_toml_reads() {
    use figment::Provider;
    use figment::providers::{Format, Toml};
    use figment::value::Value;
    let data = Toml::string(DEFAULTS).data().unwrap();
    let mut read = Vec::new();
    for (name, value) in data.values().flatten() {
        match value {
            Value::Dict(_, inner) => read.extend(inner.keys().map(|key| format!("{name}.{key}"))),
            _ => read.push(name.clone()),
        }
    }
    let mut listed: Vec<_> = super::keys().iter().map(|key| key.name.clone()).collect();
    read.sort();
    listed.sort();
    assert_eq!(read, listed);
}

#[test]
fn later_sources_win() {
    let file = "listen = \"127.0.0.1:1\"\n[limits]\nbulk_items = 1\nparity = true\n";
    let config = with(file, &[("EVALSET_LISTEN", "127.0.0.1:2"), ("EVALSET_LIMITS__BULK_ITEMS", "2")], &[]).unwrap();
    assert_eq!((config.listen.as_str(), config.limits.bulk_items, config.limits.parity), ("127.0.0.1:2", 2, true));
    let flags = [("listen", "127.0.0.1:3"), ("limits.parity", "false")];
    let config = with(file, &[("EVALSET_LISTEN", "127.0.0.1:2")], &flags).unwrap();
    assert_eq!((config.listen.as_str(), config.limits.bulk_items, config.limits.parity), ("127.0.0.1:3", 1, false));
}

#[test]
fn texts_are_read_as_what_the_option_is() {
    let digits = "12345678901234567890";
    let config = with("", &[("EVALSET_API_KEY", digits), ("EVALSET_LOG__FORMAT", "json")], &[]).unwrap();
    assert_eq!((config.api_key(), config.log.format), (Some(digits), Format::Json));
    assert_eq!(
        fault("", &[("EVALSET_LIMITS__PARITY", "maybe")], &[]),
        "EVALSET_LIMITS__PARITY: must be true or false, got `maybe`"
    );
    assert_eq!(
        fault("", &[], &[("limits.bulk_items", "many")]),
        "--limits-bulk-items: must be a whole number, got `many`"
    );
}

#[test]
fn what_is_no_option_is_refused_with_its_source() {
    let told = fault("colour = 1\nlimits.bulk_itemz = 2\n[log]\nlevels = \"x\"\n", &[("EVALSET_LISTENS", "x")], &[]);
    for part in [
        "evalset.toml: unknown option `colour`; `evalset config print` lists all options",
        "unknown option `limits.bulk_itemz`; did you mean `limits.bulk_items`?",
        "unknown option `log.levels`; did you mean `log.level`?",
        "unknown environment variable `EVALSET_LISTENS`; did you mean `EVALSET_LISTEN`?",
    ] {
        assert!(told.contains(part), "{part}\n---\n{told}");
    }
    assert!(fault("limits = 3", &[], &[]).contains("`limits` is a section"));
    assert!(with("", &[("EVALSET_SERVICE_HOST", "10.0.0.1"), ("EVALSET_PORT", "tcp://10.0.0.1:80")], &[]).is_ok());
}

#[test]
fn broken_files_and_types_name_the_place() {
    let told = fault("listen = \n", &[], &[]);
    assert!(told.contains("evalset.toml") && told.contains("line 1"), "{told}");
    let told = fault("[limits]\nbulk_items = \"five\"\n", &[], &[]);
    assert!(told.contains("limits.bulk_items") && told.contains("evalset.toml"), "{told}");
    let told = fault("", &[("EVALSET_LIMITS__BULK_ITEMS", "-1")], &[]);
    assert!(told.contains("limits.bulk_items"), "{told}");
    let missing =
        load(&Sources { file: Some("/no/such/file.toml".into()), ..Sources::default() }).unwrap_err().to_string();
    assert!(missing.contains("/no/such/file.toml: cannot be read"), "{missing}");
}

#[test]
fn values_are_checked() {
    for (name, value) in [
        ("listen", "8080"),
        ("listen", "127.0.0.1:80808"),
        ("public_url", "example.com"),
        ("public_url", "ftp://example.com"),
        ("span_window_seconds", "0"),
        ("log.level", "loud=very"),
        ("log.format", "xml"),
        ("limits.concurrent_requests", "0"),
        ("limits.max_row_bytes", "999999999999"),
        ("data", ""),
    ] {
        let told = fault("", &[], &[(name, value)]);
        assert!(told.contains(name), "{name} = {value}: {told}");
    }
    assert!(fault("", &[("EVALSET_API_KEY", "short")], &[]).contains("16"));
    assert!(fault("", &[("EVALSET_SECRET_KEY", "short")], &[]).contains("64 hex digits"));
    assert!(
        with("", &[], &[("public_url", "https://example.com/logs/")]).unwrap().public_url().as_deref()
            == Some("https://example.com/logs")
    );
}

#[test]
fn what_is_printed_reads_back_and_hides_the_key() {
    let (secret, sealing) = ("do-not-show-this-key", "0a".repeat(32));
    let file = format!(
        "api_key = \"{secret}\"\nsecret_key = \"{sealing}\"\ndata = 'C:\\odd \"folder\"'\n[limits]\nparity = true\n"
    );
    let config = with(&file, &[], &[]).unwrap();
    let printed = as_toml(&config);
    for hidden in [secret, &sealing] {
        assert!(!printed.contains(hidden) && !format!("{config:?}").contains(hidden));
    }
    let again = with(&printed, &[], &[]).unwrap();
    assert_eq!((again.data, again.limits, again.log), (config.data, config.limits, config.log));
    assert_eq!(as_toml(&with("", &[], &[]).unwrap()), DEFAULTS);
}

#[test]
fn the_server_of_the_environment_is_no_fault_and_gives_way_to_a_folder_on_the_command_line() {
    let url = [("EVALSET_URL", "http://127.0.0.1:8080")];
    assert_eq!(with("", &url, &[]).unwrap().url.as_deref(), Some("http://127.0.0.1:8080"));
    assert_eq!(with("", &url, &[("data", "d")]).unwrap().url, None);
    assert_eq!(with("", &[("EVALSET_URL", " ")], &[]).unwrap().url, None);
    assert!(fault("url = \"http://127.0.0.1:8080\"", &[], &[]).contains("unknown option `url`"));
}
