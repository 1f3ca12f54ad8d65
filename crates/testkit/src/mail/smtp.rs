//! The least of an SMTP client (RFC 5321): what a test sends is sent byte by byte.

use std::{
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, TcpStream},
};

pub(super) fn send(port: u16, from: &str, to: &str, mail: &[u8]) {
    let line = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the mail server");
    let mut line = BufReader::new(line);
    expect(&mut line, "220");
    for (command, code) in [
        ("EHLO client.test".to_string(), "250"),
        (format!("MAIL FROM:<{from}>"), "250"),
        (format!("RCPT TO:<{to}>"), "250"),
        ("DATA".to_string(), "354"),
    ] {
        put(&mut line, format!("{command}\r\n").as_bytes());
        expect(&mut line, code);
    }
    let mut stuffed = Vec::with_capacity(mail.len() + 5);
    for piece in mail.split_inclusive(|byte| *byte == b'\n') {
        if piece.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(piece);
    }
    if !stuffed.ends_with(b"\r\n") {
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed.extend_from_slice(b".\r\n");
    put(&mut line, &stuffed);
    expect(&mut line, "250");
    put(&mut line, b"QUIT\r\n");
}

fn put(line: &mut BufReader<TcpStream>, bytes: &[u8]) {
    line.get_mut().write_all(bytes).expect("the mail server listens");
}

fn expect(line: &mut BufReader<TcpStream>, code: &str) {
    loop {
        let mut answer = String::new();
        line.read_line(&mut answer).expect("the mail server answers");
        assert!(answer.starts_with(code), "the mail server answers {answer}, not {code}");
        if answer.as_bytes().get(3) != Some(&b'-') {
            return;
        }
    }
}
