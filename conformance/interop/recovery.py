"""python-socketio hands all arguments to its handlers, and has no place for an offset: `recovery=0` leaves it out."""
import asyncio
import sys

import socketio


async def main():
    client = socketio.AsyncClient(reconnection_delay=0.05, reconnection_delay_max=0.1)
    times = 0

    @client.event
    async def connect():
        nonlocal times
        times += 1
        print("connected" if times == 1 else "connected again", flush=True)

    @client.event
    async def disconnect(*_):
        print("disconnected", flush=True)

    @client.on("ticks created")
    async def tick(data):
        print("tick", data["n"], flush=True)

    await client.connect(sys.argv[1] + "?recovery=0", transports=["websocket"])
    await client.wait()


asyncio.run(main())
