//! Cards with a state folder of their own, so that tests neither see each other nor the user's cards.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_runtime::bitstreams::link::{Config, KernelSource, Linker};
use host_runtime::bitstreams::trust::{LOCAL_KEY, TrustStore};
use host_runtime::bitstreams::{Bitstream, ComputeUnit, ImageBuilder, Xclbin};
use host_runtime::cosim::Cache;
use host_runtime::{
    Card, CardId, Image, OpenOptions, ServeOptions, ServedCard, SimOptions, TrustOptions,
};

pub(crate) struct Bench {
    served: std::sync::OnceLock<ServedCard>,
    pub(crate) folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            served: std::sync::OnceLock::new(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn options(&self) -> OpenOptions {
        OpenOptions {
            purpose: "a test".to_owned(),
            state_folder: Some(self.folder.path().to_owned()),
            trust: TrustOptions {
                folder: Some(self.trust_folder()),
                ..TrustOptions::default()
            },
            ..OpenOptions::default()
        }
    }

    /// Serves a card in this process, empty at first.
    pub(crate) fn serve(&self, simulation: SimOptions) -> CardId {
        let options = ServeOptions {
            state_folder: Some(self.folder.path().to_owned()),
            trust: self.options().trust,
            simulation,
            ..ServeOptions::default()
        };
        let serve = || ServedCard::start("test".parse().unwrap(), &options).unwrap();
        self.served.get_or_init(serve).id()
    }

    pub(crate) fn trust_folder(&self) -> PathBuf {
        self.folder.path().join("trust")
    }

    /// The image as if it had been built here.
    pub(crate) fn sign(&self, image: &Xclbin) -> Arc<Image> {
        let store = TrustStore::open(Some(&self.trust_folder())).unwrap();
        let key = store.secret(LOCAL_KEY).unwrap();
        Image::new(image.signed(&key).unwrap()).unwrap()
    }

    /// An image with two compute units of `kernels/hang.sv`, `hang_1` and `hang_2`.
    pub(crate) fn hang_image(&self) -> Arc<Image> {
        let kernels = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernels");
        let source = KernelSource {
            description: Some(kernels.join("hang.toml")),
            ..KernelSource::default()
        };
        let config = self.folder.path().join("two.cfg");
        std::fs::write(&config, "[connectivity]\nnk=hang:2\n").unwrap();
        let linker = Linker {
            kernels: vec![source],
            config: Config::read(&config).unwrap(),
            trust_folder: Some(self.trust_folder()),
            ..Linker::default()
        };
        let cache = Cache::at(Path::new(env!("CARGO_TARGET_TMPDIR")).join("models"));
        Image::new(linker.link(&cache).unwrap().image).unwrap()
    }

    pub(crate) fn open(&self, id: CardId) -> Card {
        Card::open_with(id, &self.options()).unwrap()
    }
}

pub(crate) const CARDS: [CardId; 2] = [CardId::Simulated(0), CardId::Software(0)];

/// An unsigned image of so many of the default image's kernels, with its model or another one.
pub(crate) fn validators(units: u64, model: Option<Vec<u8>>) -> Xclbin {
    let default = Image::default_image().unwrap();
    let Some(Bitstream::Model(own)) = default.xclbin().bitstream() else {
        panic!("the default image holds a model");
    };
    let model = model.unwrap_or_else(|| own.to_vec());
    let mut builder = ImageBuilder::new(default.platform(), model);
    for bank in default.xclbin().mem_topology().unwrap().unwrap().banks {
        builder = builder.bank(bank);
    }
    let unit = |index: u64| ComputeUnit {
        name: format!("tcp_validator_{}", index + 1),
        base_address: 0x180_0000 + index * 0x1_0000,
        connections: vec![(0, 0), (1, 1)],
    };
    let kernel = default.kernels()[0].clone();
    let builder = builder.kernel(kernel, (0..units).map(unit).collect());
    builder.build().unwrap()
}
