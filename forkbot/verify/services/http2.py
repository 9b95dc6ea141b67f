"""HTTP/2 on a connection that has agreed on it: one stream's answer after the other."""

import socket
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from forkbot.verify.services.http1 import LARGEST
from forkbot.verify.services.listening import Address
from forkbot.verify.services.pages import Asked, Page, page


class Http2:
    """The server's side of one connection."""

    def __init__(self, word: str, connection: socket.socket, address: Address) -> None:
        self._word, self._socket, self._port = word, connection, address[1]
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._h2 = h2.connection.H2Connection(config=config)
        self._asked: dict[int, tuple[str, str, bytes]] = {}

    def converse(self, ended: threading.Event) -> None:
        """Answer until the other side goes."""
        self._h2.initiate_connection()
        self._flush()
        try:
            while received := self._socket.recv(1 << 16):
                for event in self._h2.receive_data(received):
                    self._hear(event, ended)
                self._flush()
        except h2.exceptions.ProtocolError:
            self._flush()  # what it did wrong

    def _flush(self) -> None:
        self._socket.sendall(self._h2.data_to_send())

    def _hear(self, event: h2.events.Event, ended: threading.Event) -> None:
        match event:
            case h2.events.RequestReceived():
                said = {str(name): str(value) for name, value in event.headers}
                self._asked[event.stream_id] = (said[":method"], said.get(":path", ""), b"")
            case h2.events.DataReceived():
                method, path, body = self._asked[event.stream_id]
                self._asked[event.stream_id] = (method, path, (body + event.data)[:LARGEST])
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                method, path, body = self._asked.pop(event.stream_id)
                asked = Asked(method=method, path=path, body=body, port=self._port)
                self._send(event.stream_id, page(asked, self._word), ended)
            case h2.events.StreamReset():
                self._asked.pop(event.stream_id, None)
            case _:
                pass  # settings, pings: h2 answers those

    def _send(self, stream: int, answer: Page, ended: threading.Event) -> None:
        ended.wait(answer.wait)
        headers = [(":status", str(answer.status)), ("content-type", answer.kind)]
        self._h2.send_headers(stream, [*headers, *answer.headers])
        for chunk in answer.chunks:
            self._h2.send_data(stream, chunk)
            self._flush()
            ended.wait(answer.pause)
        self._h2.end_stream(stream)
