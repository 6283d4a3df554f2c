"""Shows the three riddles of the article, and the mistakes of its programs.

    python3 show.py [NAME ...]     # py on Windows; without a name it shows all

It starts server.py (or threaded_server.py) itself, in a folder of its own, and talks
to it. ../article.md explains what is seen.
"""
import collections
import contextlib
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
HOST = "127.0.0.1"  # localhost may be ::1, too, and Windows tries that for two seconds
HELLO = "太棒了，服务器正常工作！"
PAGES = {"HelloWorld.html": HELLO, "thirteen.html": "太棒了，服务器正常工作啦！",
         "english.html": "It works!", "200.html": "x" * 200}


class Server:
    """A server that runs, on a port that was free."""

    def __init__(self, site, program, backlog):
        with socket.create_server((HOST, 0)) as free:
            self.port = free.getsockname()[1]
        self.errors = site.parent / "errors.txt"
        with open(self.errors, "w") as errors:
            self.process = subprocess.Popen([sys.executable, HERE / program, str(self.port), str(backlog)],
                                            cwd=site, stderr=errors)

    def connect(self):
        """Connects. A server that has just been started may take a moment to listen."""
        end = time.monotonic() + 10
        while True:
            try:
                return socket.create_connection((HOST, self.port), timeout=10)
            except ConnectionRefusedError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.05)

    def ask(self, name):
        """Asks for a page. Returns the head, the body, and in how many pieces they came."""
        with self.connect() as conn:
            conn.sendall(request(name))
            pieces = list(iter(lambda: conn.recv(4096), b""))
        head, _, body = b"".join(pieces).partition(b"\n\n")
        return head, body, len(pieces)


def request(name):
    return f"GET /{name} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


@contextlib.contextmanager
def running(program="server.py", backlog=1):
    """Starts a server in a folder with the pages, and ends it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        site = pathlib.Path(folder, "pages")
        site.mkdir()
        (site.parent / "secret.txt").write_text("the secret")
        for name, page in PAGES.items():
            (site / name).write_bytes(page.encode())
        server = Server(site, program, backlog)
        try:
            yield server
        finally:
            server.process.kill()
            server.process.wait()


def plus_24():
    with running() as server:
        for name, plus in ("HelloWorld.html", 20), ("HelloWorld.html", 24), ("thirteen.html", 24), ("english.html", 24):
            head, body, _ = server.ask(name)
            page = PAGES[name]
            length = int(head.split(b"Content-Length: ")[1]) - 24 + plus
            taken = body[:length].decode(errors="replace").strip()
            missing = f", and waits for {length - len(body)} bytes more" if length > len(body) else ""
            print(f"{len(page):2} characters + {plus} = {length}; the page has {len(page.encode()):2} bytes; a client takes {taken}{missing}")


def error_10054():
    ends = collections.Counter()
    with running() as server:
        server.ask("HelloWorld.html")  # it listens now
        for _ in range(100):
            client = subprocess.run([sys.executable, HERE / "client.py", HOST, str(server.port), "HelloWorld.html"],
                                    capture_output=True)
            error = client.stderr.decode(errors="replace").strip().splitlines()[-1]
            ends[error, "all of the page had come" if HELLO.encode() in client.stdout else "a part of the page was lost"] += 1
    for (error, page), times in sorted(ends.items()):
        print(f"{times:3} times {error}; {page}")


def listen_1():
    print("A connects, and says nothing for a second. B connects after A, and asks at once.")
    for program, backlog in ("server.py", 1), ("server.py", 50), ("threaded_server.py", 1):
        with running(program, backlog) as server:
            with server.connect() as a:
                start = time.monotonic()
                threading.Timer(1, a.sendall, [request("HelloWorld.html")]).start()
                with server.connect() as b:
                    connected = time.monotonic() - start
                    b.sendall(request("HelloWorld.html"))
                    b.recv(1)
                    answered = time.monotonic() - start
                while a.recv(4096):
                    pass
        print(f"{program}, listen({backlog}): B is connected after {connected:.0f} s, and answered after {answered:.0f} s")


def bare_lf():
    with running() as server:
        head, _, _ = server.ask("HelloWorld.html")
        print("the head is", head)


def crlf_after_body():
    with running() as server:
        _, body, _ = server.ask("HelloWorld.html")
        print(len(body), "bytes of body came for a page of", len(HELLO.encode()), "bytes; the last ones are", body[-2:])


def one_recv():
    with running() as server, server.connect() as conn:
        conn.sendall(b"GET /Hello")
        print("sent: b'GET /Hello'; the rest of the request is not sent yet; came:", conn.recv(1024))


def one_character_per_send():
    with running() as server:
        head, body, pieces = server.ask("200.html")
        print(f"{len(head) + 2 + len(body)} bytes came in {pieces} pieces")


def bare_404():
    with running() as server:
        print("all that comes is", server.ask("nothing.html")[0])


def empty_connection():
    with running() as server:
        server.connect().close()
        status = server.process.wait(10)
        print(f"the server has ended, status {status}:", server.errors.read_text().splitlines()[-1])


def outside():
    with running() as server:
        print("GET /../secret.txt brings", server.ask("../secret.txt")[1])


SHOWS = {"24": plus_24, "10054": error_10054, "listen": listen_1, "lf": bare_lf, "crlf": crlf_after_body,
         "recv": one_recv, "send": one_character_per_send, "404": bare_404, "empty": empty_connection, "outside": outside}

if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # not every terminal has every character
    names = sys.argv[1:] or list(SHOWS)
    for name in names:
        if name not in SHOWS:
            sys.exit(f"show.py: there is no {name}; it can show {', '.join(SHOWS)}")
    for name in names:
        if len(names) > 1:
            print(f"--- {name}")
        SHOWS[name]()
