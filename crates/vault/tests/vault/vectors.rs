//! Every Wycheproof vector for what the vault uses of `ring`: HMAC-SHA-256, HKDF-SHA-256, AES-256-GCM,
//! ChaCha20-Poly1305 (inside age) and Ed25519.

use ring::{aead, hkdf, hmac, signature};
use wycheproof::TestResult;

/// How many vectors were looked at, so that an emptied set does not pass.
struct Tally(usize);

impl Tally {
    fn count(&mut self, expected: TestResult, holds: bool, id: usize) {
        match expected {
            TestResult::Valid => assert!(holds, "vector {id} is valid"),
            TestResult::Invalid => assert!(!holds, "vector {id} is not valid"),
            TestResult::Acceptable => {}
        }
        self.0 += 1;
    }
}

#[test]
fn hmac_sha256() {
    let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
    let mut tally = Tally(0);
    for group in set.test_groups {
        for test in group.tests {
            let key = hmac::Key::new(hmac::HMAC_SHA256, &test.key);
            let full = hmac::sign(&key, &test.msg);
            let tag = &full.as_ref()[..group.tag_size / 8];
            tally.count(test.result, *tag == test.tag[..], test.tc_id);
        }
    }
    assert!(tally.0 > 100, "{}", tally.0);
}

#[test]
fn hkdf_sha256() {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let set = wycheproof::hkdf::TestSet::load(wycheproof::hkdf::TestName::HkdfSha256).unwrap();
    let mut tally = Tally(0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &test.salt).extract(&test.ikm);
        let info = [&test.info[..]];
        let mut okm = vec![0; test.size];
        let made = prk.expand(&info, Length(test.size)).and_then(|out| out.fill(&mut okm));
        tally.count(test.result, made.is_ok() && okm == test.okm[..], test.tc_id);
    }
    assert!(tally.0 > 50, "{}", tally.0);
}

fn sealed(name: wycheproof::aead::TestName, algorithm: &'static aead::Algorithm) -> usize {
    let set = wycheproof::aead::TestSet::load(name).unwrap();
    let mut tally = Tally(0);
    for group in set.test_groups {
        let fits = group.key_size == algorithm.key_len() * 8
            && group.nonce_size == 96
            && group.tag_size == 128;
        for test in group.tests.into_iter().filter(|_| fits) {
            let key = aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, &test.key).unwrap());
            let nonce = || aead::Nonce::try_assume_unique_for_key(&test.nonce).unwrap();
            let aad = || aead::Aad::from(&test.aad[..]);
            let mut opened = [&test.ct[..], &test.tag].concat();
            let holds = key
                .open_in_place(nonce(), aad(), &mut opened)
                .is_ok_and(|plain| *plain == test.pt[..]);
            tally.count(test.result, holds, test.tc_id);
            if test.result == TestResult::Valid {
                let mut again = test.pt.to_vec();
                key.seal_in_place_append_tag(nonce(), aad(), &mut again).unwrap();
                assert_eq!(again, [&test.ct[..], &test.tag].concat());
            }
        }
    }
    tally.0
}

#[test]
fn aes_256_gcm() {
    let seen = sealed(wycheproof::aead::TestName::AesGcm, &aead::AES_256_GCM);
    assert!(seen > 50, "{seen}");
}

#[test]
fn chacha20_poly1305() {
    let seen = sealed(wycheproof::aead::TestName::ChaCha20Poly1305, &aead::CHACHA20_POLY1305);
    assert!(seen > 200, "{seen}");
}

#[test]
fn ed25519() {
    let set = wycheproof::eddsa::TestSet::load(wycheproof::eddsa::TestName::Ed25519).unwrap();
    let mut tally = Tally(0);
    for group in set.test_groups {
        let key = signature::UnparsedPublicKey::new(&signature::ED25519, &group.key.pk[..]);
        for test in group.tests {
            tally.count(test.result, key.verify(&test.msg, &test.sig).is_ok(), test.tc_id);
        }
    }
    assert!(tally.0 > 100, "{}", tally.0);
}
