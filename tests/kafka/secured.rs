//! A broker that requires authentication: SASL with and without TLS, client certificates, and ACLs by principal. The tests themselves use
//! an open listener whose anonymous user may do everything.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::broker::{Broker, free_port};

/// Secrets that must never be visible anywhere.
pub const PASSWORD: &str = "canary-9f2c17d04b-sasl";
pub const KEY_PASSWORD: &str = "canary-9f2c17d04b-key";

/// SASL PLAIN users with only the rights granted to them; the user `plain` may do everything.
pub const LIMITED_USERS: usize = 20;

pub struct Secured {
    pub broker: Broker,
    sasl: u16,
    sasl_tls: u16,
    mutual_tls: u16,
    certificates: Certificates,
}

/// Files with keys and certificates for `localhost`.
pub struct Certificates(tempfile::TempDir);

impl Secured {
    /// The secured broker of this test binary, started on first use.
    pub fn shared() -> &'static Self {
        static BROKER: OnceLock<Secured> = OnceLock::new();
        BROKER.get_or_init(|| {
            let (sasl, sasl_tls, mutual_tls) = (free_port(), free_port(), free_port());
            let certificates = Certificates::new();
            let more = |port, controller| properties([port, controller, sasl, sasl_tls, mutual_tls], &certificates);
            let scram = |mechanism, user| format!("--add-scram '{mechanism}=[name=\"{user}\",password=\"{PASSWORD}\"]'");
            let format = format!("{} {}", scram("SCRAM-SHA-256", "scram256"), scram("SCRAM-SHA-512", "scram512"));
            let broker = Broker::start(more, &format);
            Self { broker, sasl, sasl_tls, mutual_tls, certificates }
        })
    }

    /// SASL without TLS.
    pub fn sasl(&self) -> String {
        format!("localhost:{}", self.sasl)
    }

    /// SASL over TLS.
    pub fn sasl_tls(&self) -> String {
        format!("localhost:{}", self.sasl_tls)
    }

    /// The same, under a name that is not in the broker's certificate.
    pub fn sasl_tls_misnamed(&self) -> String {
        format!("127.0.0.1:{}", self.sasl_tls)
    }

    /// TLS with a client certificate.
    pub fn mutual_tls(&self) -> String {
        format!("localhost:{}", self.mutual_tls)
    }

    /// A file: `ca.pem`, `client.pem`, `client.key` (encrypted with [`KEY_PASSWORD`]), `stranger.pem` (another authority).
    pub fn file(&self, name: &str) -> String {
        self.certificates.path(name).display().to_string()
    }
}

impl Certificates {
    pub fn new() -> Self {
        let own = Self(tempfile::tempdir().unwrap());
        for authority in ["ca", "stranger"] {
            let (key, certificate) = (format!("{authority}.key"), format!("{authority}.pem"));
            let name = format!("/CN={authority}");
            own.openssl(
                &[&["req", "-x509", "-days", "2", "-nodes", "-subj", &name, "-keyout", &key, "-out", &certificate], &NEW_KEY[..]].concat(),
            );
        }
        std::fs::write(own.path("names"), "subjectAltName=DNS:localhost").unwrap();
        own.signed("server", &["-nodes"]);
        own.signed("client", &["-passout", &format!("pass:{KEY_PASSWORD}")]);
        let both = ["server.key", "server.pem"].map(|name| std::fs::read_to_string(own.path(name)).unwrap()).concat();
        std::fs::write(own.path("server-store.pem"), both).unwrap();
        own
    }

    fn signed(&self, name: &str, key_options: &[&str]) {
        let (key, request, certificate) = (format!("{name}.key"), format!("{name}.csr"), format!("{name}.pem"));
        let subject = format!("/CN={name}");
        self.openssl(&[&["req", "-subj", &subject, "-keyout", &key, "-out", &request], key_options, &NEW_KEY[..]].concat());
        let sign = ["x509", "-req", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"];
        self.openssl(&[&sign[..], &["-in", &request, "-out", &certificate]].concat());
    }

    fn openssl(&self, arguments: &[&str]) {
        let output = Command::new("openssl").current_dir(self.0.path()).args(arguments).output().expect("openssl");
        assert!(output.status.success(), "openssl {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

const NEW_KEY: [&str; 4] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

fn properties([port, controller, sasl, sasl_tls, mutual_tls]: [u16; 5], certificates: &Certificates) -> String {
    let file = |name: &str| Path::display(&certificates.path(name)).to_string();
    let mut users = format!("user_plain=\"{PASSWORD}\"");
    (0..LIMITED_USERS).for_each(|n| write!(users, " user_limited{n}=\"{PASSWORD}\"").unwrap());
    let mut text = format!(
        "\nlisteners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},SASL://127.0.0.1:{sasl},\
         SASLTLS://127.0.0.1:{sasl_tls},MTLS://127.0.0.1:{mutual_tls}\n\
         advertised.listeners=PLAINTEXT://127.0.0.1:{port},SASL://localhost:{sasl},SASLTLS://localhost:{sasl_tls},MTLS://localhost:{mutual_tls}\n\
         listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL,MTLS:SSL\n\
         ssl.keystore.type=PEM\nssl.keystore.location={}\nssl.truststore.type=PEM\nssl.truststore.location={}\n\
         listener.name.mtls.ssl.client.auth=required\n\
         authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n\
         super.users=User:ANONYMOUS;User:plain;User:bearer;User:scram256;User:scram512;User:CN=client\n",
        file("server-store.pem"),
        file("ca.pem")
    );
    for listener in ["sasl", "sasltls"] {
        let security = "org.apache.kafka.common.security";
        write!(
            text,
            "listener.name.{listener}.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER\n\
             listener.name.{listener}.oauthbearer.sasl.jaas.config={security}.oauthbearer.OAuthBearerLoginModule required \
             unsecuredLoginStringClaim_sub=\"broker\";\n\
             listener.name.{listener}.plain.sasl.jaas.config={security}.plain.PlainLoginModule required {users};\n\
             listener.name.{listener}.scram-sha-256.sasl.jaas.config={security}.scram.ScramLoginModule required;\n\
             listener.name.{listener}.scram-sha-512.sasl.jaas.config={security}.scram.ScramLoginModule required;\n"
        )
        .unwrap();
    }
    text
}
