//! Arithmetic modulo a prime just below 2^61: exact where fractions of whole numbers would grow.

/// Whole numbers modulo 2^61 − `short`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    short: u64,
}

/// 2^61 − 1 and 2^61 − 31 are prime. One takes something for dependent by accident where the other does not.
pub(crate) const PRIMES: [Field; 2] = [Field { short: 1 }, Field { short: 31 }];

const BITS: u32 = 61;
const LOW: u64 = (1 << BITS) - 1;

impl Field {
    pub(crate) fn modulus(self) -> u64 {
        (1 << BITS) - self.short
    }

    pub(crate) fn add(self, a: u64, b: u64) -> u64 {
        let sum = a + b;
        if sum >= self.modulus() { sum - self.modulus() } else { sum }
    }

    pub(crate) fn negative(self, a: u64) -> u64 {
        if a == 0 { 0 } else { self.modulus() - a }
    }

    pub(crate) fn multiply(self, a: u64, b: u64) -> u64 {
        let product = u128::from(a) * u128::from(b);
        let (high, low) = ((product >> BITS) as u64, product as u64 & LOW);
        let folded = u128::from(high) * u128::from(self.short) + u128::from(low);
        let (high, low) = ((folded >> BITS) as u64, folded as u64 & LOW);
        self.add(low % self.modulus(), high * self.short)
    }

    /// The inverse of a number that is not 0 (Fermat).
    pub(crate) fn inverse(self, a: u64) -> u64 {
        let (mut result, mut base, mut exponent) = (1, a, self.modulus() - 2);
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = self.multiply(result, base);
            }
            base = self.multiply(base, base);
            exponent >>= 1;
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moduli_are_prime_and_products_exact() {
        for field in PRIMES {
            let modulus = u128::from(field.modulus());
            for (a, b) in [(2, 3), (field.modulus() - 1, field.modulus() - 1), (LOW / 3, LOW / 7)] {
                let exact = (u128::from(a) * u128::from(b) % modulus) as u64;
                assert_eq!(field.multiply(a, b), exact);
                assert_eq!(field.multiply(a, field.inverse(a)), 1);
                assert_eq!(field.add(a, field.negative(a)), 0);
            }
            // Miller and Rabin: these bases decide for every number below 2^64.
            let twos = (field.modulus() - 1).trailing_zeros();
            for base in [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37] {
                let mut power = 1;
                for bit in (0..64).rev() {
                    power = field.multiply(power, power);
                    if ((field.modulus() - 1) >> twos) >> bit & 1 == 1 {
                        power = field.multiply(power, base);
                    }
                }
                let mut is_witness = power != 1;
                for _ in 0..twos {
                    is_witness &= power != field.modulus() - 1;
                    power = field.multiply(power, power);
                }
                assert!(!is_witness, "{base} shows that {} is not prime", field.modulus());
            }
        }
    }
}
