"""A server that puts what it is asked into SQL: whoever looks for injections has to find it here."""
import http.server
import json
import sqlite3
import urllib.parse

db = sqlite3.connect(":memory:", check_same_thread=False)
db.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
db.execute("INSERT INTO people (name) VALUES ('Ann'), ('Bob')")


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.answer(query.get("name", [""])[0])

    def do_PATCH(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.answer(json.loads(body).get("name", ""))

    def answer(self, name):
        try:
            status, answer = 200, db.execute(f"SELECT id, name FROM people WHERE name = '{name}'").fetchall()
        except sqlite3.Error:
            status, answer = 500, "General error"
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"listening 127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
