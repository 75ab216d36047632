//! The function as it is written back: its signature untouched, its body in a scope.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use crate::arguments::{Arguments, mixed};
use crate::function::{Function, Kind};

/// The traced function, or the item as it was with an error beside it.
pub fn attribute(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let parsed = syn::parse2::<Arguments>(arguments)
        .and_then(|arguments| Ok((arguments, syn::parse2::<Function>(item.clone())?)));
    match parsed {
        Ok((arguments, function)) => traced(arguments, function),
        Err(error) => {
            let error = error.into_compile_error();
            quote!(#error #item)
        }
    }
}

/// Everything that is written here has a mixed-site span: its variables meet none of the user's, and lints pass over
/// it. The user's body stays a block of its own, so that it keeps its edition and its lints.
fn traced(arguments: Arguments, function: Function) -> TokenStream {
    let here = Span::mixed_site();
    let krate = match &arguments.krate {
        Some(path) => quote!(#path),
        None => quote_spanned!(here=> ::paid),
    };
    let private = quote_spanned!(here=> #krate::tracing::__private);
    // Not only hygienic but odd: a constant of this name would be taken for a pattern.
    let tracing = Ident::new("__paid_tracing", here);
    let value = Ident::new("__paid_value", here);

    let customer = &arguments.customer;
    let settings = arguments.settings.iter().map(|(name, value)| quote_spanned!(here=> .#name(#value)));
    // A statement of its own: what its expressions borrow and lock is let go at its end, before the body.
    let open = quote_spanned!(here=>
        let #tracing = #krate::tracing::paid_tracing(#customer) #(#settings)*;
    );
    let judge = quote_spanned!(here=> |#value| #private::probe(#value).paid_outcome());

    let body = &function.body;
    let at_body = mixed(body.span());
    // In parentheses, its braces are not taken for unneeded ones.
    let body = quote_spanned!(at_body=> (#body));
    let output = function.output();
    let is_endless = function.never_returns();
    let kind = function.kind();
    let work = match kind {
        Kind::Async if is_endless => quote_spanned!(at_body=> async move { #body }),
        // No closure says what an async block returns; a return that is never reached does.
        Kind::Async => quote_spanned!(at_body=> async move {
            if let ::core::option::Option::Some(#value) = ::core::option::Option::None::<#output> {
                return #value;
            }
            #body
        }),
        _ => quote_spanned!(at_body=> move || -> #output { #body }),
    };
    let run = match kind {
        Kind::Sync => quote_spanned!(here=> #private::run(#tracing, #work, #judge)),
        Kind::Async if is_endless => quote_spanned!(here=> #private::run_endless(#tracing, #work).await),
        Kind::Async => quote_spanned!(here=> #private::run_async(#tracing, #work, #judge).await),
        Kind::Future => quote_spanned!(here=> #private::run_async(#tracing, #private::call(#work), #judge)),
        Kind::BoxedFuture => quote_spanned!(here=>
            #private::boxed(#private::run_async(#tracing, #private::call(#work), #judge))
        ),
    };

    let Function { attributes, visibility, signature, .. } = &function;
    let block = quote_spanned!(at_body=> { #open #run });
    quote!(#(#attributes)* #visibility #signature #block)
}
