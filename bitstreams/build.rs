//! Packs the default image: the `tcp_validator` kernel of `hdl/`, built by Verilator, on a card with
//! two DDR banks. Nothing to do without the feature `default-image`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    #[cfg(feature = "default-image")]
    if let Err(error) = default_image::pack() {
        // Cargo shows the first line of each as an error of this package: a compiler's message has many.
        let message = format!("the default image cannot be built: {error}");
        message
            .lines()
            .for_each(|line| println!("cargo::error={line}"));
        std::process::exit(1);
    }
}

#[cfg(feature = "default-image")]
mod default_image {
    use std::error::Error;
    use std::path::{Path, PathBuf};

    use xclbin::{
        Bank, BuildMetadata, Clock, ClockType, ComputeUnit, ImageBuilder, KernelDescription,
        MemType,
    };

    const KERNEL: &str = "tcp_validator";
    const DATA_WIDTH: u32 = 512;
    const PLATFORM: &str = "tcp_sim_2ddr_202610_1";
    /// 16 GiB, as the DIMMs of Alveo U200 and U250 cards have.
    const BANK_KIB: u64 = 16 << 20;

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
        let hdl = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../hdl")
            .canonicalize()?;
        let file_list = hdl.join("tcp_validator.f");
        let description = hdl.join("kernel.xml");
        watch(&file_list);
        watch(&description);
        println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");

        let description = KernelDescription::from_xml(&read(&description)?)?;
        let model = cosim::ModelBuild::new(KERNEL)
            .file_list(&file_list)
            .parameter("DATA_WIDTH", DATA_WIDTH)
            .build(&cosim::Cache::at(models_folder()?))?;
        model
            .dependencies
            .iter()
            .filter(|path| path.starts_with(&hdl))
            .for_each(|path| watch(path));

        let bank = |index: u64| Bank {
            tag: format!("DDR[{index}]"),
            kind: MemType::Ddr4,
            used: true,
            size_kib: BANK_KIB,
            base_address: index * BANK_KIB * 1024,
        };
        let unit = ComputeUnit {
            name: format!("{KERNEL}_1"),
            base_address: 0x180_0000,
            connections: vec![(0, 0), (1, 1)],
        };
        let notes = [("top", KERNEL.into()), ("DATA_WIDTH", DATA_WIDTH.into())];
        let notes = notes
            .map(|(key, value)| (key.to_owned(), value))
            .into_iter()
            .collect();
        let image = ImageBuilder::new(PLATFORM, std::fs::read(&model.path)?)
            .bank(bank(0))
            .bank(bank(1))
            .kernel(description, vec![unit])
            .clock(Clock {
                name: "DATA_CLK".to_owned(),
                mhz: 300,
                kind: ClockType::Data,
            })
            .build_metadata(BuildMetadata::new(
                "bitstreams",
                env!("CARGO_PKG_VERSION"),
                notes,
            ))
            .timestamp(source_date_epoch()?)
            .build()?;
        let out = std::env::var("OUT_DIR")?;
        image.write_atomically(Path::new(&out).join("default.xclbin"))?;
        Ok(())
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
