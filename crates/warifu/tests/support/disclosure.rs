//! Who may read which field, by disclosure rule: row A7 and its variants, written out here by hand
//! so that a mistake in the program's own rules shows.

/// A party, as the demonstration calls it, and its fields.
pub type Part = (&'static str, &'static [&'static str]);

const MERCHANT: Part = (
    "merchant",
    &[
        "holder_name",
        "holder_telephone",
        "holder_fax",
        "item_numbers",
        "items",
        "amount",
        "payment_type",
    ],
);

const ISSUER: Part = (
    "issuer",
    &[
        "holder_name",
        "holder_telephone",
        "holder_fax",
        "card_number",
        "card_expiry",
        "item_numbers",
        "amount",
        "payment_type",
    ],
);

const CARRIER: Part =
    ("carrier", &["holder_name", "holder_telephone", "holder_fax", "destination"]);

const CLASSIC_MERCHANT: Part = (
    "merchant",
    &[
        "holder_name",
        "holder_address",
        "holder_telephone",
        "holder_fax",
        "item_numbers",
        "items",
        "amount",
        "payment_type",
    ],
);

const CLASSIC_ISSUER: Part = (
    "issuer",
    &[
        "holder_name",
        "holder_address",
        "holder_telephone",
        "holder_fax",
        "card_number",
        "card_expiry",
        "item_numbers",
        "amount",
        "payment_type",
    ],
);

const NO_FAX_MERCHANT: Part = (
    "merchant",
    &["holder_name", "holder_telephone", "item_numbers", "items", "amount", "payment_type"],
);

const NO_FAX_ISSUER: Part = (
    "issuer",
    &[
        "holder_name",
        "holder_telephone",
        "card_number",
        "card_expiry",
        "item_numbers",
        "amount",
        "payment_type",
    ],
);

const NO_ITEM_NUMBER_ISSUER: Part = (
    "issuer",
    &[
        "holder_name",
        "holder_telephone",
        "holder_fax",
        "card_number",
        "card_expiry",
        "amount",
        "payment_type",
    ],
);

const DESTINATION_MERCHANT: Part = (
    "merchant",
    &[
        "holder_name",
        "holder_telephone",
        "holder_fax",
        "item_numbers",
        "items",
        "amount",
        "payment_type",
        "destination",
    ],
);

const PREPAID_MERCHANT: Part = (
    "merchant",
    &["holder_name", "holder_telephone", "holder_fax", "item_numbers", "items", "amount"],
);

const CENTER: Part = ("center", &["card_number", "card_expiry", "amount"]);

/// The demonstration's rule of its operator's own.
const CUSTOMS: &[Part] = &[
    ("merchant", &["item_numbers", "items", "amount", "payment_type"]),
    (
        "issuer",
        &[
            "holder_name",
            "holder_telephone",
            "card_number",
            "card_expiry",
            "amount",
            "payment_type",
        ],
    ),
    ("carrier", &["holder_name", "holder_telephone", "destination", "items", "amount"]),
];

/// Through a broker the provider receives the card by the second channel: the one exception (row C7).
const BROKER: &[Part] = &[
    (
        "broker",
        &[
            "holder_name",
            "holder_telephone",
            "item_numbers",
            "items",
            "amount",
            "payment_type",
            "destination",
        ],
    ),
    ("registry", &["holder_name", "card_number", "card_expiry"]),
    (
        "merchant",
        &[
            "holder_name",
            "holder_telephone",
            "card_number",
            "card_expiry",
            "item_numbers",
            "items",
            "amount",
            "payment_type",
            "destination",
        ],
    ),
    (
        "issuer",
        &["holder_name", "card_number", "card_expiry", "item_numbers", "amount", "payment_type"],
    ),
];

/// The parts of a rule. The merchant's quote, whose hash is one more field of the merchant's own
/// part, is not among them.
pub fn parts(rule: &str) -> &'static [Part] {
    match rule {
        "minimal" | "direct" => &[MERCHANT, ISSUER, CARRIER],
        "classic" => &[CLASSIC_MERCHANT, CLASSIC_ISSUER, CARRIER],
        "no-carrier" => &[MERCHANT, ISSUER],
        "gateway" => {
            &[MERCHANT, ISSUER, CARRIER, ("gateway", &["holder_name", "holder_telephone"])]
        }
        "certifier" => &[MERCHANT, ISSUER, CARRIER, ("certifier", &["holder_name"])],
        "no-fax" => &[
            NO_FAX_MERCHANT,
            NO_FAX_ISSUER,
            ("carrier", &["holder_name", "holder_telephone", "destination"]),
        ],
        "no-item-number" => &[MERCHANT, NO_ITEM_NUMBER_ISSUER, CARRIER],
        "customs" => CUSTOMS,
        "destination-to-merchant" => &[DESTINATION_MERCHANT, ISSUER, CARRIER],
        "badge" => &[
            ("door", &["access_zone"]),
            ("card_manager", &["holder_name", "card_number", "card_expiry", "access_zone"]),
        ],
        "prepaid" => &[PREPAID_MERCHANT, CENTER, CARRIER],
        "prepaid-download" | "prepaid-metered" => &[PREPAID_MERCHANT, CENTER],
        "broker" => BROKER,
        other => panic!("no rule called {other}"),
    }
}
