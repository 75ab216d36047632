//! Runs trace scripts, each form of a scope as a user of the SDK writes it.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use paid::tracing::{
    InCurrentScope, PaidTracing, TracingToken, carry_scope, current_tracing_token, paid_tracing,
};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::answer::{self, Answer, Refusal};
use crate::rest::Client;
use crate::script::{self, Body, Form, Signal, Trace, Work};

/// What the traced code has around it.
#[derive(Clone)]
pub struct World {
    /// Opens scopes from a client; without one, they are the process's own.
    pub client: Option<Client>,
    /// The runtime; without one, everything blocks.
    pub runtime: Option<Handle>,
    /// Spawned work runs on threads even if there is a runtime: this is code that blocks.
    blocks: bool,
}

/// The signals' answers in script order, or what ended the code.
type Outcome = Result<Vec<Value>, TracedError>;

/// The error that traced code returns.
#[derive(Debug)]
struct TracedError(String);

impl fmt::Display for TracedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for TracedError {}

/// Runs a trace and says how it went. A panic ends here.
pub fn run(world: &World, trace: Trace) -> Answer {
    let traced = async {
        let mut trace_id = None;
        let signals = run_trace(world, &trace, |token| trace_id = token).await?;
        Ok((trace_id, signals))
    };
    match catch_unwind(AssertUnwindSafe(|| world.block_on(traced))) {
        Ok(Ok((trace_id, signals))) => {
            Ok(answer::ok(json!({"trace_id": trace_id.map(TracingToken::to_hex), "signals": signals})))
        }
        Ok(Err(TracedError(message))) => Err(Refusal::local("traced", message)),
        Err(payload) => {
            let text = payload.downcast_ref::<String>().cloned();
            Err(Refusal::local("panic", text.unwrap_or_else(|| "a panic without text".into())))
        }
    }
}

/// Sends a signal and says how that went.
pub fn send(signal: Signal) -> Answer {
    let call = paid::tracing::signal(signal.event_name).data(signal.data);
    call.enable_cost_tracing(signal.enable_cost_tracing).send()?;
    Ok(answer::ok(true))
}

/// Runs a trace. `entered` is told the trace's token from inside.
async fn run_trace(
    world: &World,
    trace: &Trace,
    entered: impl FnOnce(Option<TracingToken>) + Send,
) -> Outcome {
    // A client and the attribute go with futures where there are tasks, with closures elsewhere.
    let futures = world.tasks().is_some();
    match trace.form {
        Form::Guard => {
            let scope = world.tracing(trace).enter();
            entered(scope.tracing_token());
            run_body(world, trace)
        }
        Form::Macro if futures => attributed_async(world, trace, entered).await,
        Form::Macro => attributed(world, trace, entered),
        Form::Client if futures => as_future(world, trace, entered).await,
        Form::Future => as_future(world, trace, entered).await,
        Form::Closure | Form::Client => world.tracing(trace).try_run(|| {
            entered(current_tracing_token());
            run_body(world, trace)
        }),
    }
}

async fn as_future(
    world: &World,
    trace: &Trace,
    entered: impl FnOnce(Option<TracingToken>) + Send,
) -> Outcome {
    let work = async {
        entered(current_tracing_token());
        steps(world.clone(), trace.body.clone()).await
    };
    world.tracing(trace).try_run_async(work).await
}

#[paid_tracing(
    trace.external_customer_id.as_deref(),
    trace.external_agent_id.as_deref(),
    tracing_token = trace.tracing_token,
    store_prompt = trace.store_prompt,
    metadata = trace.metadata.clone()
)]
fn attributed(world: &World, trace: &Trace, entered: impl FnOnce(Option<TracingToken>)) -> Outcome {
    entered(current_tracing_token());
    run_body(world, trace)
}

#[paid_tracing(
    trace.external_customer_id.as_deref(),
    external_agent_id = trace.external_agent_id.as_deref(),
    tracing_token = trace.tracing_token,
    store_prompt = trace.store_prompt,
    metadata = trace.metadata.clone()
)]
async fn attributed_async(
    world: &World,
    trace: &Trace,
    entered: impl FnOnce(Option<TracingToken>) + Send,
) -> Outcome {
    entered(current_tracing_token());
    steps(world.clone(), trace.body.clone()).await
}

/// Runs the body of a trace as code that blocks its thread.
fn run_body(world: &World, trace: &Trace) -> Outcome {
    world.block_on(steps(World { blocks: true, ..world.clone() }, trace.body.clone()))
}

/// Runs steps up to the first that fails.
fn steps(world: World, body: Body) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        let mut signals = Vec::new();
        for work in body.iter() {
            match work {
                Work::Trace(trace) => signals.extend(run_trace(&world, trace, |_| ()).await?),
                Work::Signal(signal) => signals.push(answer::to_json(send(signal.clone()))),
                Work::AiCall(call) => ai_call(call),
                Work::Fail(message) => return Err(TracedError(message.clone())),
                #[allow(clippy::panic)] // It is what the script asks for.
                Work::Panic(message) => panic_any(message.clone()),
                Work::Together(bodies) => {
                    for outcome in together(&world, bodies).await {
                        signals.extend(outcome?);
                    }
                }
            }
        }
        Ok(signals)
    })
}

/// Runs bodies at once, each in a task or a thread that carries the scope, and waits for all of them.
async fn together(world: &World, bodies: &[Body]) -> Vec<Outcome> {
    let works = bodies.iter().map(|body| steps(world.clone(), body.clone()));
    let mut ended: Vec<thread::Result<Outcome>> = Vec::new();
    match world.tasks() {
        Some(runtime) => {
            let tasks: Vec<_> = works.map(|work| runtime.spawn(work.in_current_scope())).collect();
            for task in tasks {
                ended.push(task.await.map_err(|error| error.into_panic()));
            }
        }
        None => {
            let threads: Vec<_> = works
                .map(|work| {
                    let world = world.clone();
                    thread::spawn(carry_scope(move || world.block_on(work)))
                })
                .collect();
            ended.extend(threads.into_iter().map(thread::JoinHandle::join));
        }
    }
    ended.into_iter().map(|end| end.unwrap_or_else(|payload| resume_unwind(payload))).collect()
}

impl World {
    pub fn new(client: Option<Client>, runtime: Option<Handle>) -> Self {
        World { client, runtime, blocks: false }
    }

    /// Where tasks are spawned; none where everything blocks.
    fn tasks(&self) -> Option<&Handle> {
        self.runtime.as_ref().filter(|_| !self.blocks)
    }

    /// The scope that a trace asks for.
    fn tracing(&self, trace: &Trace) -> PaidTracing {
        let customer = trace.external_customer_id.as_deref();
        let tracing = match (trace.form, &self.client) {
            (Form::Client, Some(Client::Async(client, _))) => client.paid_tracing(customer),
            (Form::Client, Some(Client::Blocking(client))) => client.paid_tracing(customer),
            _ => paid_tracing(customer),
        };
        tracing
            .external_agent_id(trace.external_agent_id.as_deref())
            .tracing_token(trace.tracing_token)
            .store_prompt(trace.store_prompt)
            .metadata(trace.metadata.clone())
    }

    /// Waits for a future on this thread, inside of tasks too.
    fn block_on<F: Future>(&self, work: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => tokio::task::block_in_place(|| runtime.block_on(work)),
            None => block_on(work),
        }
    }
}

/// Waits for a future without a runtime.
fn block_on<F: Future>(work: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut work = pin!(work);
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Records a call of an AI provider. Its error is its own: the traced code goes on.
fn ai_call(given: &script::AiCall) {
    let mut call = paid::ai::AiCall::start(&given.name, &given.system, &given.operation);
    for (name, count) in &given.usage {
        call.usage(name, *count);
    }
    for (key, value) in &given.attributes {
        call.attribute(key, value.clone());
    }
    match &given.error {
        Some(message) => call.fail(&TracedError(message.clone())),
        None => call.finish(),
    }
}
