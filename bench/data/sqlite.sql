-- What the servers with data have, in SQLite. `messages` is for calls to a table alone, `notes` and `users` are for a real call.
CREATE TABLE messages (id INTEGER PRIMARY KEY, "roomId" INTEGER, "userId" INTEGER, text TEXT, at TEXT);
CREATE INDEX messages_by_room ON messages ("roomId");
CREATE TABLE notes (id INTEGER PRIMARY KEY, "roomId" INTEGER, "userId" INTEGER, text TEXT, at TEXT);
CREATE INDEX notes_by_owner ON notes ("userId", "roomId");
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, name TEXT);

-- 200 messages in each room, whose texts come in no order.
WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 100000)
INSERT INTO messages SELECT id, id / 200, id % 500, (id * 7919 % 100) || ' is what message ' || id || ' says', '2026-01-31T12:00:00Z' FROM n;
-- 40 notes of each user in each of five rooms.
WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 100000)
INSERT INTO notes SELECT id, id / 500 % 5, id % 500, 'This is what note ' || id || ' says', '2026-01-31T12:00:00Z' FROM n;
WITH RECURSIVE n (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM n LIMIT 500)
INSERT INTO users SELECT id, 'user' || id || '@example.com', 'User ' || id FROM n;
