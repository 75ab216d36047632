"""The Python side of the trace: python_token.py COLLECTOR_ENDPOINT INPUT.json [TOKEN]

Does what `rust_side` in main.rs does, with the same input. Prints the token as the SDK gives it.
"""

import json
import os
import sys

from paid import Paid
from paid.tracing import generate_tracing_token, paid_tracing


class WorkError(Exception):
    pass


def send(client, signal):
    client.signal(
        signal["event_name"],
        data=signal.get("data"),
        enable_cost_tracing=signal.get("enable_cost_tracing", False),
    )


def main(endpoint, input_path, token=None):
    with open(input_path, encoding="utf-8") as file:
        given = json.load(file)
    customer, agent = given["external_customer_id"], given["external_agent_id"]
    client = Paid(token=os.environ["PAID_API_KEY"])
    client.initialize_tracing(collector_endpoint=endpoint)
    token = int(token) if token else generate_tracing_token()

    def work():
        for signal in given["signals"]:
            send(client, signal)
        client.trace("inner", lambda: client.signal("has no agent"))

    client.trace(customer, work, external_agent_id=agent, tracing_token=token, metadata=given["metadata"])

    @paid_tracing("failing", external_agent_id=agent, tracing_token=token)
    def fail():
        client.signal("before the failure")
        raise WorkError(given["failure"])

    try:
        fail()
    except WorkError:
        pass

    with paid_tracing("", external_agent_id="", tracing_token=token):
        pass
    with paid_tracing("no token", metadata=given["lists_that_python_drops"]):
        pass
    print(token)


if __name__ == "__main__":
    main(*sys.argv[1:])
