//! Code that must not compile.

#[test]
fn forbidden_code_does_not_compile() {
    trybuild::TestCases::new().compile_fail("cases/*.rs");
}
