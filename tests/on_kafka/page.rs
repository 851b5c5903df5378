//! The page in headless Chromium, driven by tests/page/drive.mjs, on demos.

use std::process::Command;

use crate::demo::Demo;

/// Drives the page of a demo. A program that is missing, or a browser that does not start, fails the test.
fn drive(demo: &Demo, token: Option<&str>) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page");
    let mut command = Command::new("node");
    command.arg("drive.mjs").arg(format!("http://{}/", demo.address)).current_dir(folder);
    command.args(std::env::var("PAGE_PICTURES").ok()).envs(token.map(|token| ("PAGE_TOKEN", token)));
    let output =
        command.output().expect("node is missing: `./dev test` installs it and Chromium (Debian: apt-get install nodejs npm chromium)");
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_customer_success_manager_finds_whom_to_call_and_why_at_every_width_light_and_dark() {
    let mut demo = Demo::start(&["--accounts", "80", "--seed", "2"]);
    demo.wait_for_history();
    drive(&demo, None);
}

#[test]
fn with_a_token_the_page_asks_for_it_once_and_the_stream_works() {
    let token = "a-token-of-twenty-four-characters";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), token).unwrap();
    let setting = format!("http.token_file={}", file.path().display());
    let mut demo = Demo::start(&["--accounts", "20", "--set", &setting]);
    demo.wait_until_it_listens();
    drive(&demo, Some(token));
}
