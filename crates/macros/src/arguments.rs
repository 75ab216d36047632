//! What stands between the attribute's parentheses.

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Error, Expr, Path, Result, Token};

const CUSTOMER: &str = "external_customer_id";
const AGENT: &str = "external_agent_id";
/// The methods of `PaidTracing`, beside the agent's.
const SETTINGS: [&str; 3] = ["tracing_token", "store_prompt", "metadata"];

/// The attribute's arguments, complete and each given once.
pub struct Arguments {
    pub customer: Expr,
    /// Methods to call on the builder, in the order written.
    pub settings: Vec<(Ident, Expr)>,
    /// The crate `paid`, where it has another name.
    pub krate: Option<Path>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream) -> Result<Self> {
        let mut given = Given::default();
        while !input.is_empty() {
            match is_named(input) {
                true => given.named(input)?,
                false => given.positional(input.parse()?)?,
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        let Given { customer, settings, krate, .. } = given;
        let customer = customer.ok_or_else(|| {
            Error::new(
                Span::call_site(),
                "the customer is missing, as in `#[paid_tracing(\"customer_123\")]`",
            )
        })?;
        Ok(Arguments { customer, settings, krate })
    }
}

/// `name = ..`, and not the comparison `name == ..`.
fn is_named(input: ParseStream) -> bool {
    input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==])
}

/// The arguments read so far.
#[derive(Default)]
struct Given {
    customer: Option<Expr>,
    settings: Vec<(Ident, Expr)>,
    krate: Option<Path>,
    positional: usize,
    any_named: bool,
}

impl Given {
    fn positional(&mut self, value: Expr) -> Result<()> {
        if self.any_named {
            return Err(Error::new(value.span(), "an argument without a name goes before those with one"));
        }
        self.positional += 1;
        match self.positional {
            1 => self.customer = Some(value),
            2 => self.settings.push((Ident::new(AGENT, mixed(value.span())), value)),
            _ => {
                return Err(Error::new(
                    value.span(),
                    "only the customer and the agent go without a name: name this argument",
                ));
            }
        }
        Ok(())
    }

    fn named(&mut self, input: ParseStream) -> Result<()> {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        self.any_named = true;
        let text = name.to_string();
        let is_twice = match text.as_str() {
            "crate" => self.krate.replace(input.call(Path::parse_mod_style)?).is_some(),
            CUSTOMER => self.customer.replace(input.parse()?).is_some(),
            setting if setting == AGENT || SETTINGS.contains(&setting) => {
                let is_twice = self.settings.iter().any(|(known, _)| *known == text);
                self.settings.push((name.clone(), input.parse()?));
                is_twice
            }
            _ => {
                let known = [CUSTOMER, AGENT].into_iter().chain(SETTINGS).collect::<Vec<_>>().join("`, `");
                return Err(Error::new(
                    name.span(),
                    format!("no argument is called `{text}`: there are `{known}`"),
                ));
            }
        };
        match is_twice {
            true => Err(Error::new(name.span(), format!("`{text}` is given twice"))),
            false => Ok(()),
        }
    }
}

/// The place of a span, with names that meet none of the user's variables.
pub fn mixed(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}
