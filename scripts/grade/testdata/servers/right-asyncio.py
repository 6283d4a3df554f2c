# Right, without threads: an event loop, and no Content-Length.
import asyncio, pathlib, sys

here = pathlib.Path.cwd().resolve()

async def serve(reader, writer):
    line = await reader.readline()
    while (await reader.readline()).strip():
        pass
    words = line.decode().split()
    if len(words) == 3:
        file = (here / words[1].lstrip("/")).resolve()
        if file.is_relative_to(here) and file.is_file():
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + file.read_bytes())
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n<p>no such file</p>")
        await writer.drain()
    writer.close()

async def main():
    server = await asyncio.start_server(serve, "localhost", int(sys.argv[1]))
    await server.serve_forever()

asyncio.run(main())
