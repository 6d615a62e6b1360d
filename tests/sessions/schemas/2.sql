-- A store of version 2, as a process left it that was killed while it wrote.
BEGIN TRANSACTION;
CREATE TABLE conversations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        title TEXT NOT NULL DEFAULT '',
        created INTEGER NOT NULL,
        updated INTEGER NOT NULL,
        touched INTEGER NOT NULL,
        pinned INTEGER NOT NULL DEFAULT 0,
        system TEXT NOT NULL DEFAULT '',
        leaf INTEGER,
        n_messages INTEGER NOT NULL DEFAULT 0,
        deleted INTEGER
    , draft TEXT NOT NULL DEFAULT '');
INSERT INTO "conversations" VALUES(7,'Why is the sky blue?',1700000000000,1700000001000,1,0,'',12,2,NULL,'And the sea');
CREATE TABLE holders (
        conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
        writer TEXT NOT NULL,
        PRIMARY KEY (conversation, writer)
    ) WITHOUT ROWID;
INSERT INTO "holders" VALUES(7,'gone');
CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        conversation INTEGER NOT NULL REFERENCES conversations ON DELETE CASCADE,
        parent INTEGER,
        role TEXT NOT NULL,
        text TEXT NOT NULL DEFAULT '',
        thoughts TEXT NOT NULL DEFAULT '',
        at INTEGER NOT NULL DEFAULT 0,
        writer TEXT,
        finish TEXT NOT NULL DEFAULT '',
        model TEXT NOT NULL DEFAULT '',
        model_file INTEGER REFERENCES models,
        parameters TEXT NOT NULL DEFAULT '{}',
        seed INTEGER,
        n_tokens INTEGER NOT NULL DEFAULT 0,
        tps REAL NOT NULL DEFAULT 0,
        n_prompt INTEGER NOT NULL DEFAULT 0,
        n_cached INTEGER NOT NULL DEFAULT 0,
        n_ctx INTEGER NOT NULL DEFAULT 0,
        prompt_ms REAL NOT NULL DEFAULT 0,
        ttft_ms REAL NOT NULL DEFAULT 0,
        decode_ms REAL NOT NULL DEFAULT 0
    , given INTEGER NOT NULL DEFAULT 0, given_thoughts INTEGER NOT NULL DEFAULT 0);
INSERT INTO "messages" VALUES(11,7,NULL,'user','Why is the sky blue?','',1700000000000,NULL,'','',NULL,'{}',NULL,0,0.0,0,0,0,0.0,0.0,0.0,0,0);
INSERT INTO "messages" VALUES(12,7,11,'assistant','','',1700000001000,'gone','','pocket',1,'{"temperature":0.0,"stop":["x"]}',NULL,0,0.0,0,0,0,0.0,0.0,0.0,0,0);
CREATE TABLE models (
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        UNIQUE (path, size, mtime_ns, sha256)
    );
INSERT INTO "models" VALUES(1,'/models/pocket.gguf',123,456,'');
CREATE TABLE pieces (
        id INTEGER PRIMARY KEY,
        message INTEGER NOT NULL REFERENCES messages ON DELETE CASCADE,
        text TEXT NOT NULL,
        thoughts TEXT NOT NULL
    );
INSERT INTO "pieces" VALUES(1,12,'Because ','');
INSERT INTO "pieces" VALUES(2,12,'of the air','');
CREATE UNIQUE INDEX conversations_touched ON conversations (touched);
CREATE INDEX conversations_listed ON conversations (pinned DESC, touched DESC)
        WHERE deleted IS NULL;
CREATE INDEX messages_of ON messages (conversation);
CREATE INDEX messages_open ON messages (writer) WHERE writer IS NOT NULL;
CREATE INDEX pieces_of ON pieces (message);
COMMIT;
PRAGMA user_version = 2;
