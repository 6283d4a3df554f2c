// Right: the http module's server, which sends its answers in chunks.
const fs = require('fs'), http = require('http'), path = require('path');

http.createServer((request, response) => {
  const file = path.join(process.cwd(), path.normalize(request.url));
  const stream = fs.createReadStream(file);
  stream.on('error', () => {
    response.writeHead(404, {'Content-Type': 'text/html'});
    response.end('<h1>404</h1>');
  });
  stream.on('open', () => {
    response.writeHead(200, {'Content-Type': 'text/html'});
    stream.pipe(response);
  });
}).listen(Number(process.argv[2]));
