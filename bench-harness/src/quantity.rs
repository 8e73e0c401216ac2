//! Numbers as people write and read them: `10M`, `1e7`, `256KiB`, `0.5x`; and back: `403 M/s`, `155 ns`, `1.2 GiB`.
//!
//! Counts and rates scale by 1000 (`k M G`), bytes by 1024 (`K M G`, with or without `i` and `B`): a ring of `256K` is 262,144 bytes.

/// What a rate on the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// Records per second.
    PerSecond(f64),
    /// A share of what the same configuration reaches in a closed loop: `0.5x`.
    OfClosedLoop(f64),
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Rate::PerSecond(rate) => f.write_str(&per_second(*rate)),
            Rate::OfClosedLoop(share) => write!(f, "{share}x"),
        }
    }
}

/// Splits `text` into its number and its suffix.
fn number_and_suffix(text: &str) -> Result<(f64, &str), String> {
    let text = text.trim();
    let digits = |c: char| c.is_ascii_digit() || c == '.' || c == '_';
    let mut end = text.find(|c| !digits(c)).unwrap_or(text.len());
    // An exponent belongs to the number if digits follow it: 1e7, 2.5e-3.
    if let Some(rest) = text[end..].strip_prefix(['e', 'E']) {
        let sign = usize::from(rest.starts_with(['+', '-']));
        let exponent = rest[sign..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - sign);
        if exponent > 0 {
            end += 1 + sign + exponent;
        }
    }
    let number = text[..end].replace('_', "").parse::<f64>().map_err(|_| format!("`{text}` does not start with a number"))?;
    Ok((number, text[end..].trim()))
}

/// Reads a count: `500`, `10_000`, `10M`, `1e7`, `1.5k`.
///
/// # Errors
/// What is wrong with it: not a number, an unknown suffix, not a whole number, or zero.
pub fn count(text: &str) -> Result<u64, String> {
    let (number, suffix) = number_and_suffix(text)?;
    let scaled = number * decimal(suffix).ok_or_else(|| format!("unknown suffix `{suffix}`: use k, M or G"))?;
    // 2^53: the largest count that the arithmetic above keeps exact.
    if scaled.fract() != 0.0 || !(1.0..=9_007_199_254_740_992.0).contains(&scaled) {
        return Err(format!("`{text}` is not a whole number of at least one"));
    }
    Ok(scaled as u64)
}

/// Reads a seed: any whole number, zero too, decimal or `0x` hexadecimal.
///
/// # Errors
/// If it is not a 64-bit number.
pub fn seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.replace('_', "").parse(),
    };
    parsed.map_err(|_| format!("`{text}` is not a 64-bit whole number"))
}

/// Reads a number of bytes: `65536`, `256K`, `256KiB`, `1M`, `1MiB`.
///
/// # Errors
/// What is wrong with it: not a number, an unknown suffix, not a whole number, or zero.
pub fn bytes(text: &str) -> Result<usize, String> {
    let (number, suffix) = number_and_suffix(text)?;
    let scale = match suffix.trim_end_matches(['B', 'b']).trim_end_matches('i') {
        "" => 1u64,
        "k" | "K" => 1 << 10,
        "m" | "M" => 1 << 20,
        "g" | "G" => 1 << 30,
        _ => return Err(format!("unknown suffix `{suffix}`: use KiB, MiB or GiB")),
    };
    let scaled = number * scale as f64;
    if scaled.fract() != 0.0 || !(1.0..=1e15).contains(&scaled) {
        return Err(format!("`{text}` is not a whole number of bytes, at least one"));
    }
    Ok(scaled as usize)
}

/// Reads a length of time in seconds: `5`, `0.5`, `5s`, `200ms`, `1m`.
///
/// # Errors
/// What is wrong with it: not a number, an unknown suffix, not positive, or over an hour.
pub fn seconds(text: &str) -> Result<f64, String> {
    let (number, suffix) = number_and_suffix(text)?;
    let scale = match suffix {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "µs" | "us" => 1e-6,
        "ns" => 1e-9,
        "m" | "min" => 60.0,
        _ => return Err(format!("unknown suffix `{suffix}`: use ns, µs, ms, s or min")),
    };
    let scaled = number * scale;
    if scaled > 0.0 && scaled <= 3600.0 { Ok(scaled) } else { Err(format!("`{text}` is not between 0 and one hour")) }
}

/// Reads a budget of time in seconds: as [`seconds`], and `2h`.
///
/// # Errors
/// What is wrong with it: not a number, an unknown suffix, or not positive.
pub fn budget(text: &str) -> Result<f64, String> {
    match text.strip_suffix('h').map(|hours| hours.trim().parse::<f64>()) {
        Some(Ok(hours)) if hours > 0.0 && hours.is_finite() => Ok(hours * 3600.0),
        Some(_) => Err(format!("`{text}` is not a number of hours")),
        None => seconds(text),
    }
}

/// Reads a rate: `100k`, `1e6`, `2.5M` records per second, or `0.5x` of the closed loop's.
///
/// # Errors
/// What is wrong with it: not a number, an unknown suffix, or not positive.
pub fn rate(text: &str) -> Result<Rate, String> {
    let (number, suffix) = number_and_suffix(text)?;
    let positive = |value: f64| {
        if value > 0.0 && value.is_finite() { Ok(value) } else { Err(format!("`{text}` is not a positive rate")) }
    };
    if suffix == "x" {
        return positive(number).map(Rate::OfClosedLoop);
    }
    let scale = decimal(suffix.trim_end_matches("/s")).ok_or_else(|| format!("unknown suffix `{suffix}`: use k, M or G, or x"))?;
    positive(number * scale).map(Rate::PerSecond)
}

fn decimal(suffix: &str) -> Option<f64> {
    match suffix.trim() {
        "" => Some(1.0),
        "k" | "K" => Some(1e3),
        "m" | "M" => Some(1e6),
        "g" | "G" => Some(1e9),
        _ => None,
    }
}

/// `value` with three significant digits and the largest fitting unit of `units` (scale, name; ascending).
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    // 999.5 would round to four digits: step up half a unit in the last place early.
    let (scale, unit) = units.iter().rev().find(|(scale, _)| value.abs() >= scale * 0.9995).unwrap_or(&units[0]);
    let shown = value / scale;
    let decimals = match shown.abs() {
        s if s >= 99.95 || shown.fract() == 0.0 && s < 1e3 => 0,
        s if s >= 9.995 => 1,
        _ => 2,
    };
    format!("{shown:.decimals$} {unit}")
}

/// A rate: `1.02 G/s`, `403 M/s`, `100 k/s`, `5 /s`.
pub fn per_second(rate: f64) -> String {
    scaled(rate, &[(1.0, "/s"), (1e3, "k/s"), (1e6, "M/s"), (1e9, "G/s")])
}

/// A count: `10 M`, `1.50 k`, `7`.
pub fn human_count(count: u64) -> String {
    scaled(count as f64, &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G")]).trim_end().to_owned()
}

/// A length of time given in nanoseconds: `155 ns`, `9.93 µs`, `5.50 ms`, `1.20 s`.
pub fn nanoseconds(ns: f64) -> String {
    scaled(ns, &[(1.0, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")])
}

/// A number of bytes: `256 KiB`, `1.20 GiB`.
pub fn human_bytes(bytes: u64) -> String {
    scaled(bytes as f64, &[(1.0, "B"), (1024.0, "KiB"), (1048576.0, "MiB"), (1073741824.0, "GiB")])
}

/// A bandwidth given in bytes per second, in the decimal units that memory makers use: `15.5 GB/s`.
pub fn bandwidth(bytes_per_s: f64) -> String {
    scaled(bytes_per_s, &[(1e6, "MB/s"), (1e9, "GB/s")])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn counts_are_read_as_people_write_them() {
        for (text, value) in
            [("1", 1), ("10M", 10_000_000), ("1e7", 10_000_000), ("1.5k", 1_500), ("10_000", 10_000), (" 2 G ", 2_000_000_000)]
        {
            assert_eq!(count(text), Ok(value), "{text}");
        }
        for text in ["", "0", "-1", "1.5", "M", "10Q", "1e", "1e-3", "1e400", "NaN", "ten", "1 0"] {
            assert!(count(text).is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn bytes_scale_by_1024() {
        for (text, value) in
            [("65536", 65_536), ("256K", 262_144), ("256KiB", 262_144), ("1MiB", 1_048_576), ("0.5m", 524_288), ("2GB", 2 << 30)]
        {
            assert_eq!(bytes(text), Ok(value), "{text}");
        }
        for text in ["", "0", "1X", "-4K", "0.3", "1KiBB!"] {
            assert!(bytes(text).is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn rates_are_absolute_or_a_share() {
        assert_eq!(rate("100k"), Ok(Rate::PerSecond(1e5)));
        assert_eq!(rate("1e6/s"), Ok(Rate::PerSecond(1e6)));
        assert_eq!(rate("0.5x"), Ok(Rate::OfClosedLoop(0.5)));
        for text in ["0", "0x", "-1", "fast", "x"] {
            assert!(rate(text).is_err(), "{text} was accepted");
        }
    }

    #[test]
    fn seconds_and_seeds() {
        assert_eq!(seconds("200ms"), Ok(0.2));
        assert_eq!(seconds("50us"), seconds("50µs"));
        assert_eq!(seconds("2"), Ok(2.0));
        assert!(seconds("0").is_err() && seconds("2h").is_err() && seconds("99999").is_err());
        assert_eq!(seed("0x2a"), Ok(42));
        assert_eq!(seed("0"), Ok(0));
        assert!(seed("abc").is_err() && seed("1.5").is_err());
    }

    #[test]
    fn three_significant_digits_for_people() {
        assert_eq!(per_second(403_210_000.0), "403 M/s");
        assert_eq!(per_second(1.0194e9), "1.02 G/s");
        assert_eq!(per_second(999_600_000.0), "1.00 G/s");
        assert_eq!(per_second(5.0), "5 /s");
        assert_eq!(nanoseconds(155.0), "155 ns");
        assert_eq!(nanoseconds(9_930.0), "9.93 µs");
        assert_eq!(nanoseconds(0.0), "0 ns");
        assert_eq!(human_bytes(262_144), "256 KiB");
        assert_eq!(human_count(10_000_000), "10 M");
        assert_eq!(human_count(7), "7");
        assert_eq!(bandwidth(15.5e9), "15.5 GB/s");
    }
}
