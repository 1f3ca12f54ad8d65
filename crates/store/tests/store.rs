//! The SQLite store through its port.

mod common;

use common::{Place, cases};

macro_rules! on_sqlite {
    ($($case:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                cases::$case(Place::sqlite()).await;
            }
        )*
    };
}

every_case!(on_sqlite);
