//! Alertmanager with the configuration of `deploy/prometheus`, without its waiting times, and with webhooks of this process.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use super::program::{Running, free_address, replaced, text};
use super::webhook::Webhook;

pub struct Alertmanager {
    pub webhook: Webhook,
    pub address: SocketAddr,
    _process: Running,
    _folder: tempfile::TempDir,
}

impl Alertmanager {
    pub fn start() -> Self {
        let webhook = Webhook::listen();
        let folder = tempfile::tempdir().unwrap();
        let config = replaced(&text("deploy/prometheus/alertmanager.yml"), "127.0.0.1:9095", &webhook.address.to_string());
        let config = replaced(&config, "group_wait: 30s", "group_wait: 1s");
        let config = replaced(&config, "group_interval: 5m", "group_interval: 1s");
        let path = folder.path().join("alertmanager.yml");
        std::fs::write(&path, config).unwrap();
        let address = free_address();
        let mut command = Command::new("prometheus-alertmanager");
        command
            .arg(format!("--config.file={}", path.display()))
            .arg(format!("--storage.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--cluster.listen-address=", "--log.level=warn"])
            .stdout(Stdio::null());
        Self { webhook, address, _process: Running::start(&mut command, "prometheus-alertmanager"), _folder: folder }
    }
}
