//! The form in which a function is put up for proof.

/// A function that was linked, and so cannot panic.
pub(crate) struct Proven {
    /// The public function or trait of jsonframe that it calls, as `Type::function` or `Trait for Type`.
    pub(crate) item: &'static str,
    /// What stands for the generic parameters, if there are any.
    pub(crate) with: &'static str,
    /// Keeps the function in the program, for arguments that the optimiser knows nothing about.
    pub(crate) address: *const (),
}

/// Declares functions that fail to link if they can panic, and lists them in a function `proven`.
macro_rules! prove {
    ($with:literal, $(
        $item:literal
        fn $name:ident $(<$($lifetime:lifetime),+>)? ($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block
    )+) => {
        $(
            #[no_panic::no_panic]
            #[inline(never)]
            fn $name $(<$($lifetime),+>)? ($($argument: $type),*) $(-> $result)? $body
        )+

        pub(crate) fn proven() -> Vec<$crate::prove::Proven> {
            vec![$($crate::prove::Proven { item: $item, with: $with, address: $name as *const () }),+]
        }
    };
}

pub(crate) use prove;
