//! The function that the attribute stands on. Its body is passed on unread.

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::visit_mut::{self, VisitMut};
use syn::{
    AttrStyle, Attribute, Error, GenericArgument, LitStr, Path, PathArguments, Result, ReturnType, Signature,
    Token, Type, TypeParamBound, Visibility, parse_quote,
};

/// A function with a body.
pub struct Function {
    /// Those inside the body as well, turned to stand before the function.
    pub attributes: Vec<Attribute>,
    pub visibility: Visibility,
    pub signature: Signature,
    pub body: Group,
}

impl Parse for Function {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut attributes = input.call(Attribute::parse_outer)?;
        let visibility: Visibility = input.parse()?;
        if !is_function(&input.fork()) {
            return Err(input.error("`#[paid_tracing]` goes on a function"));
        }
        let signature: Signature = input.parse()?;
        if let Some(token) = &signature.constness {
            return Err(Error::new(token.span, "a `const fn` can't be traced: it may run at compile time"));
        }
        if input.peek(Token![;]) {
            return Err(Error::new(
                signature.ident.span(),
                "a function without a body can't be traced: put the attribute where the body is",
            ));
        }
        let statements;
        let brace = syn::braced!(statements in input);
        let inner = statements.call(Attribute::parse_inner)?;
        let mut body = Group::new(Delimiter::Brace, statements.parse::<TokenStream>()?);
        body.set_span(brace.span.join());
        attributes
            .extend(inner.into_iter().map(|attribute| Attribute { style: AttrStyle::Outer, ..attribute }));
        Ok(Function { attributes, visibility, signature, body })
    }
}

/// Whether `fn` follows, with nothing before it but what may stand before it.
fn is_function(input: ParseStream) -> bool {
    while !input.peek(Token![fn]) {
        let is_abi = input.peek(LitStr) && input.parse::<LitStr>().is_ok();
        let qualifies =
            |word: Ident| ["const", "async", "unsafe", "extern"].contains(&word.to_string().as_str());
        if !is_abi && !input.call(Ident::parse_any).is_ok_and(qualifies) {
            return false;
        }
    }
    true
}

/// How a function does its work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Before it returns.
    Sync,
    /// An `async fn`.
    Async,
    /// In a future of a type of its own that it returns.
    Future,
    /// In a future in a box that it returns.
    BoxedFuture,
}

impl Function {
    pub fn kind(&self) -> Kind {
        if self.signature.asyncness.is_some() {
            return Kind::Async;
        }
        match &self.signature.output {
            ReturnType::Type(_, ty) => match peel(ty) {
                Type::ImplTrait(ty) if is_future(&ty.bounds) => Kind::Future,
                Type::Path(ty) if is_boxed_future(&ty.path) => Kind::BoxedFuture,
                _ => Kind::Sync,
            },
            ReturnType::Default => Kind::Sync,
        }
    }

    /// The type returned, with `_` for what has no name: `Result<_, E>` for `Result<impl Iterator, E>`.
    pub fn output(&self) -> Type {
        match &self.signature.output {
            ReturnType::Type(_, ty) => {
                let mut ty = (**ty).clone();
                Nameless.visit_type_mut(&mut ty);
                ty
            }
            ReturnType::Default => parse_quote!(()),
        }
    }

    pub fn never_returns(&self) -> bool {
        matches!(&self.signature.output, ReturnType::Type(_, ty) if matches!(peel(ty), Type::Never(_)))
    }
}

struct Nameless;

impl VisitMut for Nameless {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// A type without the parentheses around it, those of a macro that passed it on included.
fn peel(ty: &Type) -> &Type {
    match ty {
        Type::Group(ty) => peel(&ty.elem),
        Type::Paren(ty) => peel(&ty.elem),
        ty => ty,
    }
}

fn is_future<'a>(bounds: impl IntoIterator<Item = &'a TypeParamBound>) -> bool {
    let is_named_so = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|last| last.ident == "Future"),
        _ => false,
    };
    bounds.into_iter().any(is_named_so)
}

/// `Pin<Box<dyn Future<..>>>`, or an alias for it that goes by its usual name.
fn is_boxed_future(path: &Path) -> bool {
    let is_usual = |path: &Path| {
        path.segments.last().is_some_and(|last| last.ident == "BoxFuture" || last.ident == "LocalBoxFuture")
    };
    let inside = || match peel(argument_of(path, "Pin")?) {
        Type::Path(boxed) => argument_of(&boxed.path, "Box"),
        _ => None,
    };
    is_usual(path) || matches!(inside().map(peel), Some(Type::TraitObject(ty)) if is_future(&ty.bounds))
}

/// `T` of `..::name<T>`.
fn argument_of<'a>(path: &'a Path, name: &str) -> Option<&'a Type> {
    let last = path.segments.last().filter(|last| last.ident == name)?;
    match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        },
        _ => None,
    }
}
