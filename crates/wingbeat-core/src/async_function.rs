//! Functions whose futures borrow from their arguments.

/// An `async fn`, or a closure like one. Ties the future to the borrows of the arguments: the compiler lets nobody say of
/// an `AsyncFn` that its future is `Send`.
///
/// Arguments and answer stand in its name, because that is how the compiler's messages come to show what a function lacks.
pub trait AsyncFunction<'a, Arguments, Answer> {
    /// The future.
    type Future: Future<Output = Answer> + 'a;

    /// Calls the function.
    fn run(&self, arguments: Arguments) -> Self::Future;
}

macro_rules! functions {
    ($(($($argument:ident)+))+) => {$(
        // Says `AsyncFunction` where a function does not fit, and not which of its parts. That a future is not `Send` is
        // told in full.
        #[diagnostic::do_not_recommend]
        impl<'a, F, Fut, Answer, $($argument),+> AsyncFunction<'a, ($($argument,)+), Answer> for F
        where
            F: Fn($($argument),+) -> Fut,
            Fut: Future<Output = Answer> + 'a,
        {
            type Future = Fut;

            #[expect(non_snake_case, reason = "the arguments bear the names of their types")]
            fn run(&self, ($($argument,)+): ($($argument,)+)) -> Fut {
                self($($argument),+)
            }
        }
    )+};
}

functions! { (A) (A B) (A B C) }
