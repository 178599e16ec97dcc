// usage: node pooled_calls.js PORT UPSTREAM_PORT
//
// An HTTP server that asks an upstream for each request, over a pool of two kept connections: who finds
// it exhausted waits until another's answer is there.
const http = require("http");

const [port, upstream] = process.argv.slice(2).map(Number);
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 });

const server = http.createServer((request, response) => {
  response.sendDate = false; // made once a second, of whichever request is at hand
  http.get({ host: "127.0.0.1", port: upstream, path: request.url, agent }, (answer) => {
    let text = "";
    answer.on("data", (chunk) => (text += chunk));
    answer.on("end", () => response.end(`upstream said ${text}`));
  }).on("error", (error) => {
    response.statusCode = 502;
    response.end(String(error));
  });
});
server.listen(port, "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
