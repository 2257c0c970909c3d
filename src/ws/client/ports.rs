//! Ports that browsers refuse to connect to.
//!
//! Owns the Fetch standard's list of bad ports (<https://fetch.spec.whatwg.org/#port-blocking>): other protocols live
//! there, which a hostile page could be made to talk to. Historically `new WebSocket` threw SECURITY_ERR for them;
//! today the connection just fails.

/// In ascending order.
const BAD: [u16; 81] = [
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
    111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
    540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061,
    6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697,
];

/// Added to the list after the others, in 2021 (NAT slipstreaming).
const BAD_LATER: u16 = 10080;

/// Whether browsers refuse to connect to it: the Fetch standard's list of bad ports.
#[must_use]
pub fn is_blocked(port: u16) -> bool {
    BAD.binary_search(&port).is_ok() || port == BAD_LATER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_and_found() {
        assert!(BAD.is_sorted());
        let table = [(22, true), (80, false), (443, false), (6000, true), (6502, false), (6667, true), (10080, true)];
        for (port, blocked) in table {
            assert_eq!(is_blocked(port), blocked, "{port}");
        }
    }
}
