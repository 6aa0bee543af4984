PRAGMA application_id = 1718382437;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
CREATE TABLE ledger (
    kind  TEXT NOT NULL,
    key   TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
INSERT INTO "ledger" VALUES('clock','boot','{"boot":"$BOOT","offset":1795889359413,"moves":[]}');
INSERT INTO "ledger" VALUES('flow','sha256:5e7ba84f202b0348cac8b21f175285b221ca33e1a085750baa7929939d54e475','{"id":"upgrade","ver":1,"name":"Upgrade","triggers":[{"id":"start","type":"data","name":"Start"}],"nodes":[{"id":"work","cls":"task","type":"exec","name":"Work","work":{"kind":"Exec","shell":"echo begun; while ! [ -e $HERE/go ]; do sleep 0.05; done; echo over; exit 3"},"heard":["trigger.good"],"retry":{"max":1}},{"id":"after","cls":"task","type":"exec","name":"After","work":{"kind":"Exec","shell":"echo after"},"heard":["task.work.bad"]}],"origin":"$HERE/config.yml","has_escapes":true}');
INSERT INTO "ledger" VALUES('keeper','term','1795906410');
INSERT INTO "ledger" VALUES('once','key: /build/api/push/data   8bc524cd425e4a52bbaf1165020c3b20','"h1-1@7f70dccf04"');
INSERT INTO "ledger" VALUES('serial','run','1');
CREATE TABLE log (
    pos   INTEGER PRIMARY KEY,
    run   TEXT    NOT NULL,
    epoch INTEGER NOT NULL,
    seq   INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    event TEXT    NOT NULL,
    body  TEXT    NOT NULL,
    UNIQUE (run, seq)
);
INSERT INTO "log" VALUES(1,'h1-1@7f70dccf04',0,1,1795906421689,'RunPended','{"at":1795906421689,"flow":"upgrade","ver":1,"trigger":"start","values":{},"by":"admin","digest":"sha256:5e7ba84f202b0348cac8b21f175285b221ca33e1a085750baa7929939d54e475"}');
INSERT INTO "log" VALUES(2,'h1-1@7f70dccf04',1,2,1795906421689,'RunGranted','{"at":1795906421689,"host":"h1","store":"7f70dccf04","epoch":1,"fences":{}}');
INSERT INTO "log" VALUES(3,'h1-1@7f70dccf04',1,3,1795906421689,'RunActivated','{"at":1795906421689,"host":"h1","epoch":1,"workspace":"$HERE/root/spaces/upgrade/ws/h1-1@7f70dccf04"}');
INSERT INTO "log" VALUES(4,'h1-1@7f70dccf04',1,4,1795906421689,'NodeEntered','{"at":1795906421689,"node":"work","visit":1,"work":{"kind":"Exec","shell":"echo begun; while ! [ -e $HERE/go ]; do sleep 0.05; done; echo over; exit 3"}}');
INSERT INTO "log" VALUES(5,'h1-1@7f70dccf04',1,5,1795906421853,'NodeStarted','{"at":1795906421853,"node":"work","visit":1,"attempt":1,"started_at":1795906421835}');
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "meta" VALUES('boot','$BOOT');
INSERT INTO "meta" VALUES('created','2026-11-28T22:53:19Z');
INSERT INTO "meta" VALUES('head','0');
INSERT INTO "meta" VALUES('store_id','7f70dccf04');
CREATE TABLE runs (
    key        TEXT    PRIMARY KEY,
    id         TEXT    NOT NULL,
    flow       TEXT    NOT NULL,
    ver        INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    phase      TEXT    NOT NULL,
    good       INTEGER,
    why        TEXT    NOT NULL,
    host       TEXT,
    adopted_by TEXT    NOT NULL,
    epoch      INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    trigger    TEXT    NOT NULL,
    by         TEXT    NOT NULL,
    pended_at  INTEGER NOT NULL,
    started_at INTEGER,
    ended_at   INTEGER,
    search     TEXT    NOT NULL
, pos INTEGER, store TEXT) WITHOUT ROWID;
INSERT INTO "runs" VALUES('h1-1@7f70dccf04','h1-1','upgrade',1,'active','active',NULL,'','h1','h1',1,3,'start','admin',1795906421689,1795906421689,NULL,'h1-1
upgrade

admin
start',4,'7f70dccf04');
CREATE INDEX runs_newest       ON runs (pended_at);
CREATE INDEX runs_by_state     ON runs (state, good, pended_at);
CREATE INDEX runs_by_flow      ON runs (flow, state, good, pended_at);
CREATE INDEX runs_by_host      ON runs (host, state, good, pended_at);
CREATE INDEX runs_by_flow_host ON runs (flow, host, state, good, pended_at);
CREATE INDEX runs_changed ON runs (pos) WHERE pos IS NOT NULL;
COMMIT;
