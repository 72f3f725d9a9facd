//! The command line: one verb a file. Exit 0 done, 1 a finding or a refusal where documented, 2 usage, 3 failure.

mod audit;
mod backup;
mod certificate;
mod collection;
mod consent;
mod database;
mod demo;
mod detect;
mod dispose;
mod files;
mod grant;
mod hold;
mod incident;
mod ingest;
mod init;
mod keys;
mod law;
mod measure;
mod models;
mod redact;
mod register;
mod request;
mod resume;
mod retention;
mod scan;
mod serve;
mod show;
mod subjects;
mod tenant;
mod training;
mod unseal;
mod user;
mod verify;

use callvault_store::tenants::{self, TenantName};
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

/// How a command ended when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// As wanted.
    Ok,
    /// Something was found, refused, or waits for a person.
    Finding,
}

#[derive(Parser)]
#[command(name = "callvault", version, about, propagate_version = true)]
struct Cli {
    #[command(flatten)]
    shared: Shared,
    #[command(subcommand)]
    verb: Verb,
}

/// What every command understands.
#[derive(clap::Args, Clone, Debug)]
pub struct Shared {
    /// The vault's data directory
    #[arg(long, global = true, default_value = "callvault-data", env = "CALLVAULT_DATA", value_name = "DIR")]
    pub data: PathBuf,
    /// Machine-readable output on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// The vault's key file (default: callvault/keys/VAULT.key in the config home)
    #[arg(long, global = true, env = "CALLVAULT_KEY_FILE", value_name = "FILE", hide_env_values = true)]
    pub key_file: Option<PathBuf>,
    /// A private file with the passphrase of the key file
    #[arg(
        long,
        global = true,
        env = "CALLVAULT_PASSPHRASE_FILE",
        value_name = "FILE",
        hide_env_values = true
    )]
    pub passphrase_file: Option<PathBuf>,
    /// Settings of another recogniser than the installed models; docs/guide/engine.md describes them
    #[arg(long, global = true, env = "CALLVAULT_ENGINE", value_name = "FILE.toml")]
    pub engine: Option<PathBuf>,
    /// Recognisers and lists of your own (TOML), beside the built-in ones; refused when one of its examples fails.
    /// docs/guide/detect.md describes them
    #[arg(long, global = true, env = "CALLVAULT_RECOGNISERS", value_name = "FILE", alias = "recognizers")]
    pub recognisers: Option<PathBuf>,
    /// Rules of law that replace those in the program: a directory with *.toml and packs.sig; docs/guide/law.md describes them
    #[arg(long, global = true, env = "CALLVAULT_LAW_PACKS", value_name = "DIR")]
    pub packs: Option<PathBuf>,
    /// A file with the Ed25519 public key that signed them, in hexadecimal
    #[arg(long, global = true, env = "CALLVAULT_LAW_PACKS_KEY", value_name = "FILE")]
    pub packs_key: Option<PathBuf>,
    /// One tenant of the vault in --data instead of that vault itself; `default` is the vault itself
    #[arg(long, global = true, env = "CALLVAULT_TENANT", value_name = "NAME", hide_env_values = true)]
    pub tenant: Option<String>,
    /// The host of the tenant that was chosen; `data` is the tenant's own directory then.
    #[arg(skip)]
    pub host: Option<Host>,
}

/// Whose tenant is worked on.
#[derive(Clone, Debug)]
pub struct Host {
    /// The data directory of the host.
    pub data: PathBuf,
    /// Which of its tenants.
    pub name: TenantName,
}

impl Shared {
    /// Turns to the directory of the tenant that was named.
    fn settle(mut self) -> anyhow::Result<Self> {
        if let Some(name) = self.tenant.as_deref().filter(|name| !matches!(*name, "" | tenants::HOST)) {
            let name: TenantName = name.parse().map_err(|e| Usage(format!("--tenant: {e}")))?;
            let data = tenants::place(&self.data, &name);
            self.host = Some(Host { data: std::mem::replace(&mut self.data, data), name });
        }
        Ok(self)
    }

    /// Refuses what is done on the host and not in a tenant.
    pub fn on_host(&self, what: &str) -> anyhow::Result<()> {
        match &self.host {
            None => Ok(()),
            Some(host) => Err(Usage(format!(
                "{what} is done on the host: leave --tenant {} (or CALLVAULT_TENANT) out",
                host.name
            ))
            .into()),
        }
    }
}

#[derive(Subcommand)]
enum Verb {
    Demo(demo::Args),
    Init(Box<init::Args>),
    Scan(scan::Args),
    Redact(redact::Args),
    Detect(detect::Args),
    Ingest(ingest::Args),
    Serve(serve::Args),
    Unseal(unseal::Args),
    Seal(unseal::SealArgs),
    Resume(resume::Args),
    Show(show::Args),
    Subjects(subjects::Args),
    Tenant(tenant::Args),
    Measure(measure::Args),
    Disposal(dispose::SettingArgs),
    Dispose(dispose::Args),
    Retention(retention::Args),
    Hold(hold::Args),
    Incident(incident::Args),
    Request(request::Args),
    Collection(collection::Args),
    Verify(verify::Args),
    Law(law::Args),
    Consent(consent::Args),
    Certificate(certificate::Args),
    Models(models::Args),
    User(user::Args),
    Grant(grant::Args),
    Keys(keys::Args),
    Database(database::Args),
    Files(files::Args),
    Backup(backup::Args),
    Restore(backup::RestoreArgs),
    Audit(audit::Args),
    Training(training::Args),
    Register(register::Args),
}

/// Parses, runs, and turns the outcome into an exit code.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let usage = e.use_stderr();
            // Help and version go to standard output; there is nobody to tell if that is closed.
            let _ = e.print();
            return ExitCode::from(if usage { 2 } else { 0 });
        }
    };
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("CALLVAULT_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"))
                // It would write what it sends, tokens too, at `trace`.
                .add_directive(silent("ureq_proto"))
                .add_directive(silent("ureq")),
        )
        .without_time()
        .init();
    let done = cli.shared.settle().and_then(|shared| {
        // `law` reads packs its own way: to try them, to compare them, to compute with those of another day.
        if !matches!(cli.verb, Verb::Law(_)) {
            law::take(&shared)?;
        }
        work(&shared, &cli.verb)
    });
    match done {
        Ok(Done::Ok) => ExitCode::SUCCESS,
        Ok(Done::Finding) => ExitCode::from(1),
        Err(e) => {
            crate::out::say(&format!("callvault: {}", chain(&e)));
            ExitCode::from(if e.is::<Usage>() { 2 } else { 3 })
        }
    }
}

/// Nothing of this library is written, whatever is asked for.
fn silent(library: &str) -> tracing_subscriber::filter::Directive {
    format!("{library}=off").parse().unwrap_or_else(|_| tracing::level_filters::LevelFilter::OFF.into())
}

fn work(shared: &Shared, verb: &Verb) -> anyhow::Result<Done> {
    match verb {
        Verb::Demo(a) => demo::run(shared, a),
        Verb::Init(a) => init::run(shared, a),
        Verb::Scan(a) => scan::run(shared, a),
        Verb::Redact(a) => redact::run(shared, a),
        Verb::Detect(a) => detect::run(shared, a),
        Verb::Ingest(a) => ingest::run(shared, a),
        Verb::Serve(a) => serve::run(shared, a),
        Verb::Unseal(a) => unseal::run(shared, a),
        Verb::Seal(a) => unseal::seal(shared, a),
        Verb::Resume(a) => resume::run(shared, a),
        Verb::Show(a) => show::run(shared, a),
        Verb::Subjects(a) => subjects::run(shared, a),
        Verb::Tenant(a) => tenant::run(shared, a),
        Verb::Measure(a) => measure::run(shared, a),
        Verb::Disposal(a) => dispose::setting(shared, a),
        Verb::Dispose(a) => dispose::run(shared, a),
        Verb::Retention(a) => retention::run(shared, a),
        Verb::Hold(a) => hold::run(shared, a),
        Verb::Incident(a) => incident::run(shared, a),
        Verb::Request(a) => request::run(shared, a),
        Verb::Collection(a) => collection::run(shared, a),
        Verb::Verify(a) => verify::run(shared, a),
        Verb::Law(a) => law::run(shared, a),
        Verb::Consent(a) => consent::run(shared, a),
        Verb::Certificate(a) => certificate::run(shared, a),
        Verb::Models(a) => models::run(shared, a),
        Verb::User(a) => user::run(shared, a),
        Verb::Grant(a) => grant::run(shared, a),
        Verb::Keys(a) => keys::run(shared, a),
        Verb::Database(a) => database::run(shared, a),
        Verb::Files(a) => files::run(shared, a),
        Verb::Backup(a) => backup::run(shared, a),
        Verb::Restore(a) => backup::restore(shared, a),
        Verb::Audit(a) => audit::run(shared, a),
        Verb::Training(a) => training::run(shared, a),
        Verb::Register(a) => register::run(shared, a),
    }
}

/// The messages of an error and its causes, each once.
fn chain(error: &anyhow::Error) -> String {
    let mut out = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        if !out.contains(&text) {
            if !out.is_empty() {
                out.push_str(": ");
            }
            out.push_str(&text);
        }
    }
    out
}

/// The command line is well-formed and still makes no sense.
#[derive(Debug)]
pub struct Usage(pub String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
