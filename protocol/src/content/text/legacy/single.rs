//! The encodings of one byte per character, compared with Python over all bytes.

use encoding_rs::{
    IBM866_INIT, ISO_8859_2_INIT, ISO_8859_3_INIT, ISO_8859_4_INIT, ISO_8859_5_INIT, ISO_8859_6_INIT, ISO_8859_7_INIT,
    ISO_8859_8_INIT, ISO_8859_10_INIT, ISO_8859_13_INIT, ISO_8859_14_INIT, ISO_8859_15_INIT, ISO_8859_16_INIT,
    KOI8_R_INIT, KOI8_U_INIT, MACINTOSH_INIT, WINDOWS_874_INIT, WINDOWS_1250_INIT, WINDOWS_1251_INIT,
    WINDOWS_1252_INIT, WINDOWS_1253_INIT, WINDOWS_1254_INIT, WINDOWS_1255_INIT, WINDOWS_1256_INIT, WINDOWS_1257_INIT,
    WINDOWS_1258_INIT, X_MAC_CYRILLIC_INIT,
};

use super::{Labels, Legacy, Shape};

pub(super) static SINGLE: [Legacy; 30] = [
    Legacy::new("cp866", Labels::new("cp866", &["866", "csibm866", "ibm866"]), &IBM866_INIT, Shape::Single),
    Legacy::new("cp874", Labels::new("cp874", &[]), &WINDOWS_874_INIT, Shape::Single).without(&[
        0x8184_00FF,
        0x8690_00FF,
        0x989F_00FF,
    ]),
    Legacy::new("cp1250", Labels::new("cp1250", &["1250", "windows_1250"]), &WINDOWS_1250_INIT, Shape::Single)
        .without(&[0x8181_00FF, 0x8383_00FF, 0x8888_00FF, 0x9090_00FF, 0x9898_00FF]),
    Legacy::new("cp1251", Labels::new("cp1251", &["1251", "windows_1251"]), &WINDOWS_1251_INIT, Shape::Single)
        .without(&[0x9898_00FF]),
    Legacy::new("cp1252", Labels::new("cp1252", &["1252", "windows_1252"]), &WINDOWS_1252_INIT, Shape::Single)
        .without(&[0x8181_00FF, 0x8D8D_00FF, 0x8F90_00FF, 0x9D9D_00FF]),
    Legacy::new("cp1253", Labels::new("cp1253", &["1253", "windows_1253"]), &WINDOWS_1253_INIT, Shape::Single)
        .without(&[0x8181_00FF, 0x8888_00FF, 0x8A8A_00FF, 0x8C90_00FF, 0x9898_00FF, 0x9A9A_00FF, 0x9C9F_00FF]),
    Legacy::new("cp1254", Labels::new("cp1254", &["1254", "windows_1254"]), &WINDOWS_1254_INIT, Shape::Single)
        .without(&[0x8181_00FF, 0x8D90_00FF, 0x9D9E_00FF]),
    Legacy::new("cp1255", Labels::new("cp1255", &["1255", "windows_1255"]), &WINDOWS_1255_INIT, Shape::Single)
        .without(&[0x8181_00FF, 0x8A8A_00FF, 0x8C90_00FF, 0x9A9A_00FF, 0x9C9F_00FF, 0xCACA_00FF]),
    Legacy::new("cp1256", Labels::new("cp1256", &["1256", "windows_1256"]), &WINDOWS_1256_INIT, Shape::Single),
    Legacy::new("cp1257", Labels::new("cp1257", &["1257", "windows_1257"]), &WINDOWS_1257_INIT, Shape::Single).without(
        &[
            0x8181_00FF,
            0x8383_00FF,
            0x8888_00FF,
            0x8A8A_00FF,
            0x8C8C_00FF,
            0x9090_00FF,
            0x9898_00FF,
            0x9A9A_00FF,
            0x9C9C_00FF,
            0x9F9F_00FF,
        ],
    ),
    Legacy::new("cp1258", Labels::new("cp1258", &["1258", "windows_1258"]), &WINDOWS_1258_INIT, Shape::Single)
        .without(&[0x8181_00FF, 0x8A8A_00FF, 0x8D90_00FF, 0x9A9A_00FF, 0x9D9E_00FF]),
    Legacy::new(
        "iso8859-2",
        Labels::new("iso8859_2", &["csisolatin2", "iso_8859_2", "iso_8859_2_1987", "iso_ir_101", "l2", "latin2"]),
        &ISO_8859_2_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-3",
        Labels::new("iso8859_3", &["csisolatin3", "iso_8859_3", "iso_8859_3_1988", "iso_ir_109", "l3", "latin3"]),
        &ISO_8859_3_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-4",
        Labels::new("iso8859_4", &["csisolatin4", "iso_8859_4", "iso_8859_4_1988", "iso_ir_110", "l4", "latin4"]),
        &ISO_8859_4_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-5",
        Labels::new("iso8859_5", &["csisolatincyrillic", "cyrillic", "iso_8859_5", "iso_8859_5_1988", "iso_ir_144"]),
        &ISO_8859_5_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-6",
        Labels::new(
            "iso8859_6",
            &["arabic", "asmo_708", "csisolatinarabic", "ecma_114", "iso_8859_6", "iso_8859_6_1987", "iso_ir_127"],
        ),
        &ISO_8859_6_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-7",
        Labels::new(
            "iso8859_7",
            &[
                "csisolatingreek",
                "ecma_118",
                "elot_928",
                "greek",
                "greek8",
                "iso_8859_7",
                "iso_8859_7_1987",
                "iso_ir_126",
            ],
        ),
        &ISO_8859_7_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-8",
        Labels::new(
            "iso8859_8",
            &[
                "csisolatinhebrew",
                "hebrew",
                "iso_8859_8",
                "iso_8859_8_1988",
                "iso_8859_8_e",
                "iso_8859_8_i",
                "iso_ir_138",
            ],
        ),
        &ISO_8859_8_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-9",
        Labels::new("iso8859_9", &["csisolatin5", "iso_8859_9", "iso_8859_9_1989", "iso_ir_148", "l5", "latin5"]),
        &WINDOWS_1254_INIT,
        Shape::Single,
    )
    .with_controls(),
    Legacy::new(
        "iso8859-10",
        Labels::new("iso8859_10", &["csisolatin6", "iso_8859_10", "iso_8859_10_1992", "iso_ir_157", "l6", "latin6"]),
        &ISO_8859_10_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-11",
        Labels::new("iso8859_11", &["iso_8859_11", "iso_8859_11_2001", "thai"]),
        &WINDOWS_874_INIT,
        Shape::Single,
    )
    .with_controls(),
    Legacy::new(
        "iso8859-13",
        Labels::new("iso8859_13", &["iso_8859_13", "l7", "latin7"]),
        &ISO_8859_13_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-14",
        Labels::new("iso8859_14", &["iso_8859_14", "iso_8859_14_1998", "iso_celtic", "iso_ir_199", "l8", "latin8"]),
        &ISO_8859_14_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-15",
        Labels::new("iso8859_15", &["iso_8859_15", "l9", "latin9"]),
        &ISO_8859_15_INIT,
        Shape::Single,
    ),
    Legacy::new(
        "iso8859-16",
        Labels::new("iso8859_16", &["iso_8859_16", "iso_8859_16_2001", "iso_ir_226", "l10", "latin10"]),
        &ISO_8859_16_INIT,
        Shape::Single,
    ),
    Legacy::new("koi8-r", Labels::new("koi8_r", &["cskoi8r"]), &KOI8_R_INIT, Shape::Single),
    Legacy::new("koi8-u", Labels::new("koi8_u", &[]), &KOI8_U_INIT, Shape::Single).with(&[(0xAE, '╝'), (0xBE, '╬')]),
    Legacy::new("mac-cyrillic", Labels::new("mac_cyrillic", &["maccyrillic"]), &X_MAC_CYRILLIC_INIT, Shape::Single),
    Legacy::new("mac-roman", Labels::new("mac_roman", &["macintosh", "macroman"]), &MACINTOSH_INIT, Shape::Single),
    Legacy::new(
        "tis-620",
        Labels::new("tis_620", &["iso_ir_166", "tis620", "tis_620_0", "tis_620_2529_0", "tis_620_2529_1"]),
        &WINDOWS_874_INIT,
        Shape::Single,
    )
    .with_controls()
    .without(&[0xA0A0_00FF]),
];
