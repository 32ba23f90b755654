//! Packs the images that every program carries: the kernels of `hdl/`, `tcp_validator` in the default one and `tcp_queue`
//! in the other, built by Verilator. Nothing to do without the feature `default-image`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "default-image")]
    if let Err(error) = shipped_images::pack() {
        // Cargo shows the first line of each as an error of this package: a compiler's message has many.
        let message = format!("the images cannot be built: {error}");
        message
            .lines()
            .for_each(|line| println!("cargo::error={line}"));
        std::process::exit(1);
    }
}

#[cfg(feature = "default-image")]
mod shipped_images {
    use std::error::Error;
    use std::path::{Path, PathBuf};

    use xclbin::{
        Bank, BuildMetadata, Clock, ClockType, ComputeUnit, ImageBuilder, KernelDescription,
        MemType, Xclbin,
    };

    const PLATFORM: &str = "tcp_sim_2ddr_202610_1";
    /// 16 GiB, as the DIMMs of Alveo U200 and U250 cards have.
    const BANK_KIB: u64 = 16 << 20;
    /// Where the host's memory lies for kernels of Alveo shells that let them reach it.
    const HOST_BASE: u64 = 0x20_0000_0000;

    /// What is particular about an image.
    struct Shipped {
        file: &'static str,
        kernel: &'static str,
        description: &'static str,
        data_width: Option<u32>,
        connections: &'static [(u32, usize)],
        host_memory: bool,
        mhz: u16,
    }

    const SHIPPED: [Shipped; 2] = [
        Shipped {
            file: "default.xclbin",
            kernel: "tcp_validator",
            description: "kernel.xml",
            data_width: Some(512),
            connections: &[(0, 0), (1, 1)],
            host_memory: false,
            mhz: 300,
        },
        Shipped {
            file: "queue.xclbin",
            kernel: "tcp_queue",
            description: "kernel_queue.xml",
            data_width: None,
            // The host's memory, which comes after the two DDR banks.
            connections: &[(0, 2), (1, 2)],
            host_memory: true,
            // What PCIe endpoints clock their users with, third generation, sixteen lanes.
            mhz: 250,
        },
    ];

    /// Built models are kept in the target folder, beside those of the tests: `cargo clean` takes them along, and
    /// debug and release builds share them.
    fn models_folder() -> Result<PathBuf, Box<dyn Error>> {
        let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
        // OUT_DIR is <target>/<profile>/build/<package>/out.
        let target = out
            .ancestors()
            .nth(4)
            .ok_or("OUT_DIR is not in a target folder")?;
        Ok(target.join("tmp/models"))
    }

    pub(super) fn pack() -> Result<(), Box<dyn Error>> {
        println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
        let out = PathBuf::from(std::env::var("OUT_DIR")?);
        for shipped in &SHIPPED {
            build(shipped)?.write_atomically(out.join(shipped.file))?;
        }
        Ok(())
    }

    fn build(shipped: &Shipped) -> Result<Xclbin, Box<dyn Error>> {
        let hdl = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../hdl")
            .canonicalize()?;
        let kernel = shipped.kernel;
        let file_list = hdl.join(kernel).with_extension("f");
        let description = hdl.join(shipped.description);
        watch(&file_list);
        watch(&description);

        let mut build = cosim::ModelBuild::new(kernel).file_list(&file_list);
        let mut notes = vec![("top".to_owned(), kernel.into())];
        if let Some(width) = shipped.data_width {
            build = build.parameter("DATA_WIDTH", width);
            notes.push(("DATA_WIDTH".to_owned(), width.into()));
        }
        let model = build.build(&cosim::Cache::at(models_folder()?))?;
        model
            .dependencies
            .iter()
            .filter(|path| path.starts_with(&hdl))
            .for_each(|path| watch(path));

        let bank = |tag: String, kind: MemType, base_address: u64| Bank {
            tag,
            kind,
            used: true,
            size_kib: BANK_KIB,
            base_address,
        };
        let mut image = ImageBuilder::new(PLATFORM, std::fs::read(&model.path)?);
        for index in 0..2 {
            let base = index * BANK_KIB * 1024;
            image = image.bank(bank(format!("DDR[{index}]"), MemType::Ddr4, base));
        }
        if shipped.host_memory {
            image = image.bank(bank("HOST[0]".to_owned(), MemType::Host, HOST_BASE));
        }
        let unit = ComputeUnit {
            name: format!("{kernel}_1"),
            base_address: 0x180_0000,
            connections: shipped.connections.to_vec(),
        };
        let description = KernelDescription::from_xml(&read(&description)?)?;
        let image = image
            .kernel(description, vec![unit])
            .clock(Clock {
                name: "DATA_CLK".to_owned(),
                mhz: shipped.mhz,
                kind: ClockType::Data,
            })
            .build_metadata(BuildMetadata::new(
                "bitstreams",
                env!("CARGO_PKG_VERSION"),
                notes.into_iter().collect(),
            ))
            .timestamp(source_date_epoch()?)
            .build()?;
        Ok(image)
    }

    fn watch(path: &Path) {
        println!("cargo::rerun-if-changed={}", path.display());
    }

    fn read(path: &Path) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Seconds since 1970 that a reproducible build is told to use; 0 if it is told nothing.
    fn source_date_epoch() -> Result<u64, String> {
        match std::env::var("SOURCE_DATE_EPOCH") {
            Ok(text) => text
                .parse()
                .map_err(|_| format!("SOURCE_DATE_EPOCH=\"{text}\" is no number of seconds")),
            Err(_) => Ok(0),
        }
    }
}
