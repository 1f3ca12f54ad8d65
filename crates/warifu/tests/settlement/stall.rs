//! A second merchant, in a folder of its own: what is paid to one must not come to the other.

use crate::{
    ports::reserve_port,
    program::{good, good_json},
    service::Service,
    town::{CATALOGUE, Town, identifier},
};
use serde_json::Value;
use std::{fs, path::PathBuf};

pub struct Stall {
    folder: PathBuf,
    port: u16,
    service: Option<Service>,
}

impl Stall {
    /// Enrolled and running.
    pub fn open(town: &Town) -> Stall {
        let (folder, port) = (town.path("stall"), reserve_port());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("catalogue.json"), CATALOGUE).unwrap();
        let config = format!(
            "data = \"merchant\"\nkey_file = \"merchant/warifu.key\"\nidentifier = \"{}\"\n\
             listen = \"127.0.0.1:{port}\"\n\
             [center]\nidentifier = \"{center}\"\nurl = \"{}\"\n\
             [merchant]\ncatalogue = \"catalogue.json\"\n\
             rules = [\"prepaid\", \"prepaid-download\", \"prepaid-metered\"]\n\
             center = \"{center}\"\ncarrier = {{ identifier = \"{}\" }}\n",
            identifier("stall"),
            town.url("center"),
            identifier("carrier"),
            center = identifier("center"),
        );
        fs::write(folder.join("merchant.toml"), config).unwrap();
        let at = ["--config", "merchant.toml"];
        let request = ["party", "request", "--role", "merchant", "--out", "request"];
        good(&folder, &[&request[..], &at].concat());
        town.center("admit", &["--request", "stall/request", "--out", "stall/enrolment"]);
        let accept = ["party", "accept", "--enrolment", "enrolment", "--fingerprint"];
        good(&folder, &[&accept[..], &[&town.fingerprint], &at].concat());
        let mut stall = Stall { folder, port, service: None };
        stall.start();
        stall
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn start(&mut self) {
        self.service = Some(Service::start(&self.folder, "merchant", self.port));
    }

    /// Without a warning.
    pub fn kill(&mut self) {
        // Dropping it kills it.
        self.service = None;
    }

    /// Its orders, as its operator lists them.
    pub fn orders(&self) -> Value {
        good_json(&self.folder, &["merchant", "orders", "--config", "merchant.toml"])
    }

    /// Takes in the file that is sold.
    pub fn add_guide(&self) {
        fs::write(self.folder.join("guide.txt"), crate::network::GUIDE).unwrap();
        let add = ["merchant", "add-file", "--item", "DL-1", "--file", "guide.txt"];
        good(&self.folder, &[&add[..], &["--config", "merchant.toml"]].concat());
    }
}
