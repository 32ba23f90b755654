//! The trust store: whose images may run here. Programming a simulated card loads code, so an image is trusted only if
//! it is the one that this program carries, or is signed by a key in here.
//!
//! ```text
//! <trust folder>/keys/
//!   NAME.pub   a trusted key, one line: ed25519 BASE64 comment
//!   NAME.key   its secret half if it was made here, readable by its owner alone
//! ```
//!
//! The key `local` is made by itself when the first image is built, and signs what is built here: that an image was
//! built here is proven by a secret that never leaves this folder, and not claimed by the image.

mod error;
mod file;
mod provenance;

use std::path::{Path, PathBuf};

use xclbin::{Fingerprint, PublicKey, SecretKey};
use zeroize::Zeroizing;

pub use error::{Result, TrustError};
pub use provenance::Provenance;

use file::Guard;

/// Environment variable that names the trust folder.
pub const TRUST_FOLDER_VARIABLE: &str = "FPGA_TRUST_DIR";

/// Name of the key that signs what is built here.
pub const LOCAL_KEY: &str = "local";

const PUBLIC: &str = "pub";
const SECRET: &str = "key";

/// Longest name of a key.
const LONGEST_NAME: usize = 64;

/// The keys of a user.
#[derive(Debug, Clone)]
pub struct TrustStore {
    folder: PathBuf,
}

/// A key of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// What it is called here.
    pub name: String,
    /// The key.
    pub public: PublicKey,
    /// What its file says beside the key.
    pub comment: String,
    /// Whether images can be signed with it here.
    pub has_secret: bool,
}

impl StoredKey {
    /// What people compare.
    pub fn fingerprint(&self) -> Fingerprint {
        self.public.fingerprint()
    }

    /// The line of text by which somebody else can trust it.
    pub fn to_line(&self) -> String {
        line(&self.public, &self.comment)
    }
}

/// The line of a public key's file, without its end.
fn line(public: &PublicKey, comment: &str) -> String {
    format!("{public} {comment}").trim_end().to_owned()
}

impl TrustStore {
    /// The store in the folder `chosen`, else in what [`TRUST_FOLDER_VARIABLE`] names, else in the user's XDG
    /// configuration home. It need not exist yet.
    ///
    /// # Errors
    /// [`TrustError::NoFolder`] if none of these is there: no `HOME`.
    pub fn open(chosen: Option<&Path>) -> Result<Self> {
        let named = || std::env::var_os(TRUST_FOLDER_VARIABLE).filter(|named| !named.is_empty());
        let user = || {
            let folders = directories::ProjectDirs::from("", "", "fpga-runtime");
            folders.map(|folders| folders.config_dir().to_owned())
        };
        let root = chosen
            .map(Path::to_owned)
            .or_else(|| named().map(PathBuf::from))
            .or_else(user)
            .ok_or(TrustError::NoFolder)?;
        Ok(Self {
            folder: root.join("keys"),
        })
    }

    /// The folder of the keys' files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All keys, by name.
    ///
    /// # Errors
    /// The first file that cannot be used.
    pub fn keys(&self) -> Result<Vec<StoredKey>> {
        let keys = self.names()?.into_iter();
        keys.filter_map(|name| self.key(&name).transpose())
            .collect()
    }

    /// The key of that name.
    ///
    /// # Errors
    /// [`TrustError::Missing`], or what is wrong with its file.
    pub fn find(&self, name: &str) -> Result<StoredKey> {
        check_name(name)?;
        self.check_folder()?;
        self.key(name)?.ok_or_else(|| self.missing(name))
    }

    /// The name of a trusted key.
    ///
    /// # Errors
    /// If it is not found while a file cannot be used: that one might be it.
    pub fn name_of(&self, key: &PublicKey) -> Result<Option<String>> {
        let mut unusable = None;
        for name in self.names()? {
            match self.key(&name) {
                Ok(Some(known)) if known.public == *key => return Ok(Some(name)),
                Ok(_) => {}
                Err(error) => unusable = unusable.or(Some(error)),
            }
        }
        unusable.map_or(Ok(None), Err)
    }

    /// Makes a key, and trusts it.
    ///
    /// # Errors
    /// [`TrustError::Taken`], or why it cannot be kept.
    pub fn create(&self, name: &str) -> Result<StoredKey> {
        check_name(name)?;
        self.make_folder()?;
        if self.path(name, PUBLIC).exists() {
            return Err(taken(name));
        }
        let key = SecretKey::generate()?;
        if !self.write_secret(name, &key)? {
            return Err(taken(name));
        }
        self.write_public(name, &key.public(), name)?;
        self.find(name)
    }

    /// Trusts somebody's key by a name of one's own choice; once more is no error.
    ///
    /// # Errors
    /// [`TrustError::Taken`] if another key has the name, [`TrustError::Known`] if the key has another name.
    pub fn trust(&self, name: &str, key: &PublicKey, comment: &str) -> Result<StoredKey> {
        check_name(name)?;
        self.make_folder()?;
        if let Some(known) = self.name_of(key)?
            && known != name
        {
            return Err(TrustError::Known { name: known });
        }
        // A secret half alone is somebody's who is making a key by that name.
        if self.path(name, SECRET).exists() && !self.path(name, PUBLIC).exists() {
            return Err(taken(name));
        }
        self.write_public(name, key, comment)?;
        let stored = self.find(name)?;
        if stored.public == *key {
            Ok(stored)
        } else {
            Err(taken(name))
        }
    }

    /// Trusts a key no more. Its files need not be readable for that.
    ///
    /// # Errors
    /// [`TrustError::Missing`]; [`TrustError::HasSecret`] unless `with_secret` allows the loss.
    pub fn remove(&self, name: &str, with_secret: bool) -> Result<()> {
        check_name(name)?;
        let secret = self.path(name, SECRET);
        if !with_secret && secret.exists() {
            return Err(TrustError::HasSecret {
                name: name.to_owned(),
            });
        }
        // In this order: a secret key alone would be trusted again when it is used.
        let had_secret = file::remove(&secret)?;
        let was_trusted = file::remove(&self.path(name, PUBLIC))?;
        if had_secret || was_trusted {
            Ok(())
        } else {
            Err(self.missing(name))
        }
    }

    /// The secret half of a key, to sign with. That of [`LOCAL_KEY`] is made when it is first asked for; processes that
    /// do so at once get the same.
    ///
    /// # Errors
    /// [`TrustError::Missing`], [`TrustError::NoSecret`], [`TrustError::Permissions`] if others can read it.
    pub fn secret(&self, name: &str) -> Result<SecretKey> {
        check_name(name)?;
        if name == LOCAL_KEY {
            return self.local();
        }
        let stored = self.find(name)?;
        let key = self.read_secret(name)?.ok_or(TrustError::NoSecret {
            name: name.to_owned(),
        })?;
        self.check_pair(name, &key, &stored.public)?;
        Ok(key)
    }

    fn local(&self) -> Result<SecretKey> {
        self.make_folder()?;
        if self.read_secret(LOCAL_KEY)?.is_none() {
            self.write_secret(LOCAL_KEY, &SecretKey::generate()?)?;
        }
        // Whichever process was first: its key counts.
        let key = self.read_secret(LOCAL_KEY)?;
        let key = key.ok_or_else(|| self.missing(LOCAL_KEY))?;
        self.write_public(LOCAL_KEY, &key.public(), LOCAL_KEY)?;
        self.check_pair(LOCAL_KEY, &key, &self.find(LOCAL_KEY)?.public)?;
        Ok(key)
    }

    fn path(&self, name: &str, extension: &str) -> PathBuf {
        self.folder.join(format!("{name}.{extension}"))
    }

    fn make_folder(&self) -> Result<()> {
        file::make_folder(&self.folder)?;
        self.check_folder()
    }

    /// Who can put files into the folder could have any image trusted.
    fn check_folder(&self) -> Result<()> {
        match std::fs::metadata(&self.folder) {
            Ok(metadata) => Guard::Public.check(&self.folder, &metadata),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(TrustError::io("read", &self.folder, source)),
        }
    }

    /// Names of the trusted keys, sorted.
    fn names(&self) -> Result<Vec<String>> {
        self.check_folder()?;
        let read = |source| TrustError::io("read", &self.folder, source);
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(read)?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(read)?.file_name();
            let name = file.to_str().and_then(|file| file.strip_suffix(".pub"));
            names.extend(
                name.filter(|name| check_name(name).is_ok())
                    .map(str::to_owned),
            );
        }
        names.sort();
        Ok(names)
    }

    fn key(&self, name: &str) -> Result<Option<StoredKey>> {
        let path = self.path(name, PUBLIC);
        let Some(text) = file::read(&path, Guard::Public)? else {
            return Ok(None);
        };
        let public: PublicKey = text
            .parse()
            .map_err(|error: xclbin::Error| bad_file(&path, name, &error.to_string()))?;
        let comment = text.split_ascii_whitespace().skip(2).collect::<Vec<_>>();
        Ok(Some(StoredKey {
            name: name.to_owned(),
            public,
            comment: comment.join(" "),
            has_secret: self.path(name, SECRET).exists(),
        }))
    }

    fn read_secret(&self, name: &str) -> Result<Option<SecretKey>> {
        let path = self.path(name, SECRET);
        let text = file::read(&path, Guard::Private)?;
        let key = text.map(|text| {
            SecretKey::from_secret_text(&text)
                .map_err(|error| bad_file(&path, name, &error.to_string()))
        });
        key.transpose()
    }

    fn write_secret(&self, name: &str, key: &SecretKey) -> Result<bool> {
        let text = Zeroizing::new(format!("{} {name}\n", *key.to_secret_text()));
        file::create(&self.path(name, SECRET), &text, Guard::Private)
    }

    /// Unless there is a file of that name.
    fn write_public(&self, name: &str, key: &PublicKey, comment: &str) -> Result<bool> {
        let text = line(key, comment) + "\n";
        file::create(&self.path(name, PUBLIC), &text, Guard::Public)
    }

    fn check_pair(&self, name: &str, secret: &SecretKey, public: &PublicKey) -> Result<()> {
        if secret.public() == *public {
            return Ok(());
        }
        let problem = "it does not belong to the secret key beside it";
        Err(bad_file(&self.path(name, PUBLIC), name, problem))
    }

    fn missing(&self, name: &str) -> TrustError {
        let names = self.names().unwrap_or_default();
        TrustError::Missing {
            name: name.to_owned(),
            folder: self.folder.clone(),
            available: if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            },
        }
    }
}

/// Names are those of files.
fn check_name(name: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let right = (1..=LONGEST_NAME).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(plain);
    if right {
        Ok(())
    } else {
        Err(TrustError::Name {
            name: name.to_owned(),
        })
    }
}

fn taken(name: &str) -> TrustError {
    TrustError::Taken {
        name: name.to_owned(),
    }
}

fn bad_file(path: &Path, name: &str, problem: &str) -> TrustError {
    TrustError::BadFile {
        path: path.to_owned(),
        name: name.to_owned(),
        problem: problem.to_owned(),
    }
}

#[cfg(test)]
mod tests;
