#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    warifu_fuzz::services::wire(data);
});
