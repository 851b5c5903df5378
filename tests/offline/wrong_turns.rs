//! Mistakes of people who use the program for the first time. Each is answered in at most five lines with its cause, its place and its remedy.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// Most lines of an answer.
const LINES_MAX: usize = 5;

/// Wrong usage, or an invalid configuration.
const USAGE: i32 = 2;
/// A failure at run time.
const FAILURE: i32 = 1;

/// A folder with the files that the wrong turns name.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let used = |at: &str| format!(r#"{{"type":"feature_used","account_id":"a","occurred_at":"{at}","user_id":"u","feature":"f"}}"#);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("usage.ndjson", &(used("2026-01-01T00:00:00Z") + "\n"));
    write("no-newline.ndjson", &used("2026-01-01T00:00:00Z"));
    write("empty.ndjson", "");
    write("taken.ndjson", "kept\n");
    write("churnwatch.toml", "[commit]\ninterval_ms = 100\n");
    write("model.toml", "[bands]\ngreen = 80\n");
    write("config-as-model.toml", "model_file = \"churnwatch.toml\"\n");
    let packed = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes.get(..bytes.len() / 2).unwrap()).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(used("2026-01-01T00:00:00Z").as_bytes()).unwrap();
    packed("cut.ndjson.gz", &gzip.finish().unwrap());
    packed("cut.ndjson.zst", &zstd::encode_all(used("2026-01-01T00:00:00Z").as_bytes(), 1).unwrap());
    std::fs::create_dir(folder.path().join("directory")).unwrap();
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_churnwatch"));
    command.current_dir(folder).args(arguments).env_remove("RUST_LOG");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Checks code, length and fragments of an answer; returns what is wrong with it.
fn flaws(turn: &str, output: &Output, code: i32, fragments: &[&str]) -> Option<String> {
    let said = text(&output.stderr);
    let missing: Vec<_> = fragments.iter().filter(|fragment| !said.contains(**fragment)).collect();
    let good = output.status.code() == Some(code) && missing.is_empty() && said.lines().count() <= LINES_MAX && output.stdout.is_empty();
    (!good).then(|| format!("{turn}\n  code {:?} instead of {code}, without {missing:?}:\n{said}", output.status.code()))
}

fn assert_none(flaws: Vec<String>) {
    assert!(flaws.is_empty(), "{}", flaws.join("\n"));
}

/// (arguments, exit code, fragments of cause, place and remedy)
type Turn = (&'static str, i32, &'static [&'static str]);

const ON_THE_COMMAND_LINE: [Turn; 88] = [
    ("explain", USAGE, &["<ACCOUNT>", "--help"]),
    ("explain a --usage usage.ndjson --url http://127.0.0.1:1", USAGE, &["files or an instance", "not both"]),
    ("explain a --as-of 2026-01-01T00:00:00Z", USAGE, &["--as-of needs files", "--usage usage.ndjson"]),
    ("explain acme --usage usage.ndjson", FAILURE, &["no account `acme`", "none of their 1 has a similar id"]),
    ("explain a --usage usage.ndjson --as-of 2020-01-01T00:00:00Z", FAILURE, &["no record up to 2020-01-01T00:00:00Z", "later --as-of"]),
    ("explain a --usage empty.ndjson", FAILURE, &["no valid record", "`churnwatch replay` with the same files says why"]),
    ("explain a --url localhost:9400", USAGE, &["`localhost:9400` is not a URL", "did you mean http://localhost:9400"]),
    ("explain a --url http://127.0.0.1:1", FAILURE, &["cannot connect to http://127.0.0.1:1", "is churnwatch running there?"]),
    ("explain a --token-file nowhere", FAILURE, &["cannot read the token file nowhere", "no such file"]),
    ("explain a --set http.listen=127.0.0.1:1", FAILURE, &["no instance answers at http://127.0.0.1:1", "--url", "--usage"]),
    ("rpelay", USAGE, &["no command `rpelay`", "did you mean `replay`", "commands: demo, run, replay"]),
    ("start", USAGE, &["no command `start`", "commands: demo, run, replay"]),
    ("help rpelay", USAGE, &["no command `rpelay`", "commands: "]),
    ("man rpelay", USAGE, &["no command `rpelay`", "commands: "]),
    ("topics rest", USAGE, &["no command `rest`", "commands: show, create, acls, reset"]),
    ("help metrics usage.trnd", USAGE, &["no metric `usage.trnd`", "usage.trend"]),
    ("completions tcsh", USAGE, &["'tcsh'", "bash", "fish", "zsh"]),
    ("run --confg churnwatch.toml", USAGE, &["`run` does not take `--confg`", "did you mean `--config`", "run --help"]),
    ("check churnwatch.toml", USAGE, &["`check` does not take `churnwatch.toml`", "--config churnwatch.toml"]),
    ("replay usage.ndjson --out-accounts -", USAGE, &["does not take `usage.ndjson`", "--usage usage.ndjson"]),
    ("demo --bootstrap-servers kafka:9092", USAGE, &["starts a broker of its own", "churnwatch run --bootstrap-servers"]),
    ("check --bootstrap-servers kafka://kafka:9092", USAGE, &["--bootstrap-servers: ", "is a URL", "as in kafka:9092"]),
    ("run --bootstrap-servers http://kafka:9092/", USAGE, &["--bootstrap-servers: ", "without `http://`", "as in kafka:9092"]),
    ("topics --bootstrap-servers kafka", USAGE, &["`kafka` is not a valid host:port", "did you mean kafka:9092"]),
    ("topics reset --bootstrap-servers kafka:", USAGE, &["`kafka:` is not a valid host:port", "did you mean kafka:9092"]),
    ("check --bootstrap-servers kafka:92000", USAGE, &["`kafka:92000` is not a valid host:port"]),
    ("check --bootstrap-servers 127.0.0.1:1 -q", FAILURE, &["127.0.0.1:1", "nothing is listening there", "kafka.bootstrap_servers"]),
    (
        "check --bootstrap-servers no-such-host.invalid:1 -q",
        FAILURE,
        &["no-such-host.invalid", "cannot resolve", "kafka.bootstrap_servers"],
    ),
    ("run --listen 9400", USAGE, &["--listen: http.listen", "not an address with a port", "did you mean 127.0.0.1:9400"]),
    ("run --listen localhost", USAGE, &["--listen: http.listen", "not an address with a port", "localhost:9400"]),
    ("demo --listen my-host:9400", USAGE, &["--listen: http.listen", "`my-host:9400` is not an address"]),
    ("run --listen 192.0.2.1:9400", FAILURE, &["cannot listen on 192.0.2.1:9400", "http.listen"]),
    ("run --log-format xml", USAGE, &["'xml'", "--log-format", "text, json"]),
    ("run --resume-from group", USAGE, &["'group'", "--resume-from", "stamp"]),
    ("run --config churnwatch.tml", USAGE, &["churnwatch.tml", "no such file", "did you mean `churnwatch.toml`"]),
    ("run --config nowhere/churnwatch.toml", USAGE, &["nowhere/churnwatch.toml", "nowhere does not exist"]),
    ("run --config directory", USAGE, &["directory: cannot be read", "is a directory", "name a file"]),
    ("run --config usage.ndjson", USAGE, &["usage.ndjson:1", "invalid TOML"]),
    (
        "check --offline --config config-as-model.toml",
        USAGE,
        &["churnwatch.toml:1: commit", "a section of the configuration", "model_file"],
    ),
    ("replay --out-accounts -", USAGE, &["name at least one input file", "--usage"]),
    ("replay --usage usage.ndjson --as-of 2026-02-01 --out-accounts -", USAGE, &["'2026-02-01'", "--as-of", "2026-02-01T00:00:00Z"]),
    (
        "replay --usage usage.ndjson --as-of 2020-01-01T00:00:00Z --out-accounts -",
        FAILURE,
        &["usage.ndjson, line 1", "future_time", "choose a later --as-of"],
    ),
    ("replay --usage empty.ndjson --out-accounts -", FAILURE, &["none of the 0 records was applied", "empty.ndjson: empty"]),
    ("replay --usage usge.ndjson --out-accounts -", FAILURE, &["the usage file usge.ndjson", "did you mean `usage.ndjson`"]),
    ("replay --usage directory --out-accounts -", FAILURE, &["the usage file directory", "is a directory", "name a file"]),
    ("replay --usage usage.ndjson --out-accounts directory", FAILURE, &["cannot write directory", "is a directory", "name a file"]),
    ("replay --usage usage.ndjson --out-accounts nowhere/a.ndjson", FAILURE, &["nowhere/a.ndjson", "nowhere does not exist", "create it"]),
    ("replay --usage usage.ndjson --out-accounts taken.ndjson", USAGE, &["taken.ndjson already exists", "--overwrite"]),
    ("replay --usage usage.ndjson --out-accounts - --out-changes -", USAGE, &["only one output", "standard output"]),
    ("replay --usage usage.ndjson --score-every -1 --out-changes -", USAGE, &["'-1'", "--score-every", "1..=3660"]),
    ("replay --usage usage.ndjson --format-billing stripe --out-accounts -", USAGE, &["--billing <FILE>"]),
    (
        "replay --usage usage.ndjson --format-usage segment --inner-format-usage native --inner-format-support segment --out-accounts -",
        USAGE,
        &["--support <FILE>"],
    ),
    (
        "replay --usage usage.ndjson --inner-format-usage segment --out-accounts -",
        USAGE,
        &["--inner-format-usage", "what an envelope holds", "cloudevents"],
    ),
    (
        "check --sample usage.ndjson --stream usage --inner-format segment",
        USAGE,
        &["--inner-format", "what an envelope holds", "cloudevents"],
    ),
    (
        "check --sample usage.ndjson --stream support --mapping lago",
        USAGE,
        &["--mapping: lago makes no event of the support stream", "subscription_changed"],
    ),
    ("simulate --accounts -3 --out-dir new", USAGE, &["'-3'", "--accounts", "1..=10000000"]),
    ("simulate --mix furious=1 --out-dir new", USAGE, &["unknown kind `furious`", "healthy, growing"]),
    ("simulate --accounts 1 --days 1 --out-dir usage.ndjson", FAILURE, &["cannot write usage.ndjson", "not a directory"]),
    ("metrics", USAGE, &["no command `metrics`", "did you mean `churnwatch help metrics`"]),
    ("help usage.trend", USAGE, &["no command `usage.trend`", "did you mean `churnwatch help metrics usage.trend`"]),
    ("help topics crate", USAGE, &["`topics` has no command `crate`", "show, create, acls, reset"]),
    ("help replay usage", USAGE, &["`replay` has no command `usage`", "churnwatch help replay"]),
    ("completions --shell bash", USAGE, &["does not take `--shell`", "`churnwatch completions bash`"]),
    ("version json", USAGE, &["`version` does not take `json`", "did you mean `--json`"]),
    ("run -c churnwatch.toml", USAGE, &["does not take `-c`", "did you mean `--config`"]),
    ("health 127.0.0.1:9400", USAGE, &["`health` does not take", "--url http://127.0.0.1:9400"]),
    ("health --url localhost:9400", USAGE, &["`localhost:9400` is not a URL", "http://HOST:PORT", "did you mean http://localhost:9400"]),
    ("health --url http://localhost:9400/readyz", USAGE, &["is not a URL of the form", "did you mean http://localhost:9400?"]),
    ("health --url http://localhost:99999", USAGE, &["`http://localhost:99999` is not a URL", "http://HOST:PORT"]),
    ("check --sample usge.ndjson --stream usage", FAILURE, &["cannot read usge.ndjson", "did you mean `usage.ndjson`"]),
    ("check --sample directory --stream usage", FAILURE, &["cannot read directory", "name a file in it"]),
    ("check --sample empty.ndjson --stream usage", FAILURE, &["empty.ndjson: 0 of 0 records", "find out why nothing was written"]),
    ("check --sample cut.ndjson.gz --stream usage", FAILURE, &["cannot read cut.ndjson.gz", "cut off or damaged gzip data", "gzip -t"]),
    (
        "replay --usage cut.ndjson.gz --out-accounts -",
        FAILURE,
        &["the usage file cut.ndjson.gz", "cut off or damaged gzip data", "gzip -t"],
    ),
    (
        "replay --usage cut.ndjson.zst --out-accounts -",
        FAILURE,
        &["the usage file cut.ndjson.zst", "cut off or damaged zstd data", "zstd -t"],
    ),
    ("replay --usage usage.ndjson --as-of -5 --out-accounts -", USAGE, &["'-5'", "--as-of", "must be a timestamp with offset"]),
    ("replay --usage usage.ndjson --score-every 7d --out-changes -", USAGE, &["'7d'", "--score-every", "must be a whole number"]),
    ("simulate --seed abc --out-dir new", USAGE, &["'abc'", "--seed", "must be a whole number"]),
    ("simulate --rate -5 --out-dir new", USAGE, &["'-5'", "--rate", "such as 1000/s"]),
    ("simulate --end 9999-12-31T00:00:00Z --out-dir new", USAGE, &["--end", "must be at most 9000-01-01"]),
    ("simulate", USAGE, &["--out-dir <DIR>, or --bootstrap-servers", "simulate --help"]),
    ("simulate --out-dir -", USAGE, &["--out-dir names a directory", "--bootstrap-servers"]),
    ("simulate --out-dir new --partitions 4", USAGE, &["--partitions", "cannot be used with", "--out-dir"]),
    ("simulate --out-dir new --labels labels.ndjson", USAGE, &["--labels", "cannot be used with", "--out-dir"]),
    ("simulate --out-dir new --live", USAGE, &["--live", "cannot be used with", "--out-dir"]),
    ("simulate --events 0 --out-dir new", USAGE, &["'0'", "--events", "1.."]),
    ("replay --usage usage.ndjson --out-accounts a.ndjson.gz", USAGE, &["outputs are written uncompressed", "a.ndjson.gz without .gz"]),
    ("simulate --bootstrap-servers http://kafka:9092", USAGE, &["--bootstrap-servers: ", "without `http://`", "as in kafka:9092"]),
];

#[test]
fn a_wrong_turn_on_the_command_line_is_answered_in_five_lines() {
    let folder = folder();
    let answer = |(turn, code, fragments): &Turn| {
        let arguments: Vec<&str> = turn.split_whitespace().collect();
        flaws(turn, &command(folder.path(), &arguments).output().unwrap(), *code, fragments)
    };
    assert_none(ON_THE_COMMAND_LINE.iter().filter_map(answer).collect());
    assert_eq!(std::fs::read_to_string(folder.path().join("taken.ndjson")).unwrap(), "kept\n");
}

/// (argument of --set, fragments)
const SETTINGS: [(&str, &[&str]); 12] = [
    ("interval_ms=5", &["interval_ms: unknown key", "did you mean `commit.interval_ms`"]),
    ("sasl.password=x", &["sasl.password: unknown key", "did you mean `kafka.properties.sasl.password`"]),
    ("green=80", &["green: unknown key", "did you mean `bands.green`"]),
    ("commit=5", &["commit: is a section", "commit.interval_ms"]),
    ("commit", &["commit: must be section.key=value", "commit.interval_ms"]),
    ("commit.interval_ms", &["has no value", "write commit.interval_ms=VALUE"]),
    ("commit.intervall_ms=5", &["commit.intervall_ms: unknown key", "did you mean `interval_ms`"]),
    ("http.threads=2", &["http.threads: unknown key", "did you mean `application.threads`"]),
    ("application.threads=-1", &["application.threads: -1 is out of range", "1 to 64"]),
    ("kafka.start=begin", &["`begin` is not allowed", "earliest, latest, fail"]),
    ("kafka.properties.sasl.password=hidden", &["every user of this machine", "file:PATH or env:NAME"]),
    ("rule[99].cap_health=1", &["rule[99]", "there is no entry 99"]),
];

#[test]
fn a_wrong_setting_leads_to_the_full_key() {
    let folder = folder();
    let answer = |(set, fragments): &(&str, &[&str])| {
        flaws(set, &command(folder.path(), &["check", "--offline", "--set", set]).output().unwrap(), USAGE, fragments)
    };
    assert_none(SETTINGS.iter().filter_map(answer).collect());
}

/// (variable, value, fragments)
const VARIABLES: [(&str, &str, &[&str]); 6] = [
    ("CHURNWATCH_COMMIT_INTERVAL_MS", "5", &["unknown variable", "did you mean `CHURNWATCH_COMMIT__INTERVAL_MS`"]),
    ("CHURNWACH_COMMIT__INTERVAL_MS", "5", &["unknown variable", "did you mean `CHURNWATCH_COMMIT__INTERVAL_MS`"]),
    ("CHURN_WATCH_HTTP__LISTEN", "localhost:1", &["unknown variable", "did you mean `CHURNWATCH_HTTP__LISTEN`"]),
    ("churnwatch_http__listen", "localhost:1", &["unknown variable", "did you mean `CHURNWATCH_HTTP__LISTEN`"]),
    ("CHURNWATCH_HTTP__LISTEN", "9400", &["CHURNWATCH_HTTP__LISTEN: http.listen", "did you mean 127.0.0.1:9400"]),
    ("CHURNWATCH_COMIT__INTERVAL_MS", "5", &["CHURNWATCH_COMIT__INTERVAL_MS: comit: unknown key", "did you mean `commit`"]),
];

#[test]
fn a_wrong_variable_is_refused_and_those_of_kubernetes_are_not() {
    let folder = folder();
    let answer = |(name, value, fragments): &(&str, &str, &[&str])| {
        flaws(name, &command(folder.path(), &["check", "--offline"]).env(name, value).output().unwrap(), USAGE, fragments)
    };
    assert_none(VARIABLES.iter().filter_map(answer).collect());
    let kubernetes =
        [("CHURNWATCH_PORT", "tcp://10.0.0.1:9400"), ("CHURNWATCH_SERVICE_HOST", "10.0.0.1"), ("CHURNWATCH_SERVICE_PORT", "9400")];
    assert!(command(folder.path(), &["check", "--offline"]).envs(kubernetes).status().unwrap().success());
}

/// (text of a configuration, fragments)
const CONFIGURATIONS: [(&str, &[&str]); 20] = [
    ("[commit]\ninterval_ms = 5\ninterval_ms = 6\n", &["c.toml:3", "`interval_ms` is set twice", "remove one"]),
    ("[commit]\n[commit]\n", &["c.toml:2", "`commit` is set twice", "remove one"]),
    ("interval_ms = 5\n", &["c.toml:1", "unknown key", "did you mean `commit.interval_ms`"]),
    ("[commit]\ninterval_ms = \"5 s\"\n", &["c.toml:2: commit.interval_ms", "must be a whole number, not a string"]),
    ("[commit]\ninterval_ms = 1.5\n", &["c.toml:2: commit.interval_ms", "must be a whole number, not a number with decimals"]),
    ("[kafka]\ncreate_topics = \"yes\"\n", &["c.toml:2: kafka.create_topics", "must be true or false"]),
    ("[streams.usage]\ntopics = \"clicks\"\n", &["c.toml:2: streams.usage.topics", "must be a list"]),
    ("[streams.usage]\nformat = \"avro\"\n", &["c.toml:2: streams.usage.format", "`avro` is not allowed", "native"]),
    ("[kafka]\nbootstrap_servers = \"PLAINTEXT://kafka:9092\"\n", &["c.toml:2: kafka.bootstrap_servers", "is a URL", "as in kafka:9092"]),
    ("[time]\nearliest = \"31.01.2024\"\n", &["c.toml:2: time.earliest", "`31.01.2024` is not a date", "2024-01-31"]),
    ("[time]\nreporting_time_zone = \"CET/Berlin\"\n", &["c.toml:2: time.reporting_time_zone", "CET/Berlin", "such as Europe/Berlin"]),
    ("[time]\nreporting_time_zone = \"europe/belrin\"\n", &["c.toml:2: time.reporting_time_zone", "did you mean `Europe/Berlin`"]),
    ("[money]\nreporting_currency = \"Euro\"\n", &["c.toml:2: money.reporting_currency", "`Euro` is not a currency code", "three letters"]),
    ("[[money.rates]]\nvalid_from = \"2024-01-01\"\n", &["c.toml:1: money.rates[0]", "has no rate", "EUR = \"1.08\""]),
    ("[[money.rates]]\nEUR = 1.08\n", &["c.toml:1: money.rates[0].valid_from", "is missing"]),
    ("[kafka.properties]\nsecurity.protocol = \"TLS\"\n", &["c.toml:2: kafka.properties.\"security.protocol\"", "Invalid value \"TLS\""]),
    ("[kafka.properties]\nsecurity.protocol = \"SASL_SSL\"\n", &["c.toml:2", "needs a mechanism", "sasl.mechanisms", "SCRAM-SHA-512"]),
    (
        "[kafka.properties]\nsecurity.protocol = \"SASL_SSL\"\nsasl.mechanisms = \"PLAIN\"\nsasl.username = \"u\"\n",
        &["c.toml:3", "PLAIN needs sasl.password"],
    ),
    ("[kafka.properties]\nssl.key.password = \"file:key\"\n", &["c.toml:2", "ssl.key.password", "cannot read", "no such file in"]),
    ("[kafka.properties]\nssl.key.password = \"env:NO_SUCH_KEY\"\n", &["c.toml:2", "variable NO_SUCH_KEY is not set", "set it"]),
];

#[test]
fn a_wrong_configuration_is_answered_with_line_key_and_remedy() {
    let folder = folder();
    let answer = |(toml, fragments): &(&str, &[&str])| {
        std::fs::write(folder.path().join("c.toml"), toml).unwrap();
        flaws(toml, &command(folder.path(), &["check", "--config", "c.toml"]).output().unwrap(), USAGE, fragments)
    };
    assert_none(CONFIGURATIONS.iter().filter_map(answer).collect());
}

#[test]
fn spelling_that_editors_and_systems_differ_in_is_accepted() {
    let folder = folder();
    for (name, toml) in [
        ("byte order mark", "\u{feff}[commit]\ninterval_ms = 5\n"),
        ("line ends", "[commit]\r\ninterval_ms = 5\r\n"),
        ("tabs", "[commit]\n\tinterval_ms\t=\t5\n"),
        ("no last line end", "[commit]\ninterval_ms = 5"),
        ("localhost", "[http]\nlisten = \"localhost:9400\"\n"),
    ] {
        std::fs::write(folder.path().join("c.toml"), toml).unwrap();
        let output = command(folder.path(), &["check", "--offline", "--config", "c.toml"]).output().unwrap();
        assert!(output.status.success(), "{name}: {}", text(&output.stderr));
    }
    let output = command(folder.path(), &["replay", "--usage", "no-newline.ndjson", "--out-accounts", "-"]).output().unwrap();
    assert_eq!(text(&output.stdout).lines().count(), 1, "{}", text(&output.stderr));
}

#[test]
fn what_works_but_is_probably_a_mistake_is_a_warning() {
    let folder = folder();
    let unused = "[kafka.properties]\nsasl.username = \"u\"\nsasl.password = \"p\"\n";
    std::fs::write(folder.path().join("unused.toml"), unused).unwrap();
    for (arguments, fragments) in [
        (&["check", "-q", "--offline", "--config", "model.toml"][..], &["model.toml", "holds only a model", "model_file"][..]),
        (&["check", "-q", "--offline", "--config", "unused.toml"], &["unused.toml:2", "has no effect", "SASL_SSL"]),
    ] {
        let output = command(folder.path(), arguments).output().unwrap();
        assert_none(flaws(&arguments.join(" "), &output, 0, fragments).into_iter().collect());
    }
}

#[test]
fn a_sample_that_is_not_one_is_answered_as_a_whole() {
    let folder = folder();
    let event = std::fs::read_to_string(folder.path().join("usage.ndjson")).unwrap();
    std::fs::write(folder.path().join("pretty.json"), event.replace(',', ",\n  ").replace('{', "{\n  ").replace('}', "\n}")).unwrap();
    let sample = |name: &str, more: &[&str]| {
        let arguments = [&["check", "--sample", name, "--stream", "usage", "-q"], more].concat();
        let output = command(folder.path(), &arguments).output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, _, said) = sample("pretty.json", &[]);
    assert!(code == Some(FAILURE) && said.contains("pretty-printed JSON") && said.contains("jq -c"), "{said}");
    let (code, verdicts, _) = sample("usage.ndjson", &["--records"]);
    assert!(code == Some(FAILURE) && verdicts.contains("leave out --records"), "{verdicts}");
    let (code, verdicts, said) = sample("usage.ndjson", &[]);
    assert!(code == Some(0) && verdicts.contains("applied") && said.is_empty(), "{said}");
}

#[test]
fn a_full_standard_output_is_named_and_a_closed_one_is_no_failure() {
    let folder = folder();
    for turn in ["version", "completions bash", "man", "help metrics", "help replay", "replay --help", "--version"] {
        let arguments: Vec<&str> = turn.split_whitespace().collect();
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = command(folder.path(), &arguments).stdout(full).output().unwrap();
        assert_none(flaws(turn, &output, FAILURE, &["cannot write standard output", "free some space"]).into_iter().collect());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command(folder.path(), &arguments).stdout(writer).output().unwrap();
        assert_none(flaws(turn, &output, 0, &[]).into_iter().collect());
    }
}

#[test]
fn a_file_without_permission_is_named_with_the_remedy() {
    let folder = folder();
    let path = folder.path();
    let set = |name: &str, mode| std::fs::set_permissions(path.join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::copy(path.join("usage.ndjson"), path.join("secret.ndjson")).unwrap();
    set("secret.ndjson", 0o000);
    set("usage.ndjson", 0o644);
    set("directory", 0o555);
    set(".", 0o755);
    let run = |arguments: &[&str]| {
        let mut command = command(path, arguments);
        // Permissions do not bind root.
        if is_root() {
            command.uid(65_534).gid(65_534);
        }
        command.output().unwrap()
    };
    for (arguments, fragments) in [
        (["replay", "--usage", "secret.ndjson", "--out-accounts", "-"], &["secret.ndjson", "permission denied", "let the user"][..]),
        (
            ["replay", "--usage", "usage.ndjson", "--out-accounts", "directory/a"],
            &["directory/a", "permission denied", "another directory"],
        ),
    ] {
        assert_none(flaws(&arguments.join(" "), &run(&arguments), FAILURE, fragments).into_iter().collect());
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn a_server_that_is_no_broker_is_recognised() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            use std::io::Read as _;
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        }
    });
    let folder = folder();
    let output = command(folder.path(), &["check", "-q", "--bootstrap-servers", &address]).output().unwrap();
    assert_none(flaws("an HTTP port", &output, FAILURE, &[&address, "HTTP server", "kafka.bootstrap_servers"]).into_iter().collect());
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = folder();
    for command_name in ["run", "demo"] {
        let output = command(folder.path(), &[command_name, "--listen", &address]).output().unwrap();
        assert_none(
            flaws(command_name, &output, FAILURE, &["cannot listen on", &address, "another instance", "http.listen"]).into_iter().collect(),
        );
    }
}

#[test]
fn amounts_with_decimals_in_minor_units_are_refused_and_amounts_in_major_units_are_exact() {
    let folder = folder();
    let subscription = |price: &str| {
        format!(
            r#"{{"type":"subscription_changed","account_id":"a","occurred_at":"2026-01-01T00:00:00Z","subscription_id":"s","status":"active","current_period_start":"2026-01-01T00:00:00Z","current_period_end":"2026-02-01T00:00:00Z","items":[{{{price},"currency":"USD","interval":"month","quantity":1}}]}}"#
        )
    };
    let replay = |price: &str| {
        std::fs::write(folder.path().join("billing.ndjson"), subscription(price)).unwrap();
        let outputs = ["--out-dead-letters", "letters", "--out-accounts", "accounts", "--overwrite"];
        let arguments = [&["replay", "--billing", "billing.ndjson", "--as-of", "2026-01-02T00:00:00Z"][..], &outputs].concat();
        let output = command(folder.path(), &arguments).output().unwrap();
        assert!(output.stdout.is_empty());
        ["letters", "accounts"].map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default())
    };
    for written in [r#""amount_minor":"49.00""#, r#""amount_minor":49.5"#] {
        let [letters, _] = replay(written);
        assert!(letters.contains("minor units are whole") && letters.contains("use amount"), "{written}: {letters}");
    }
    let [letters, accounts] = replay(r#""amount":"49.00""#);
    assert!(letters.is_empty() && accounts.contains(r#""revenue.mrr":4900"#), "{letters}{accounts}");
}
