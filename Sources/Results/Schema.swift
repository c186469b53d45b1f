// The database, table by table. A migration that has shipped is never edited: a change is a new migration below it.
import GRDB

enum Schema {
    /// Marks the file as ours in the SQLite header: "abnc".
    static let applicationID: Int32 = 0x6162_6E63

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("v1-initial") { db in try db.execute(sql: v1) }
        return migrator
    }

    private static let v1 = """
        PRAGMA application_id = \(applicationID);
        -- One invocation of `abench run`.
        CREATE TABLE session(
            id TEXT NOT NULL PRIMARY KEY, suite TEXT NOT NULL, suite_sha256 TEXT, suite_text TEXT, summary TEXT,
            command TEXT, status TEXT NOT NULL CHECK (status IN ('started', 'success', 'error', 'cancelled')),
            error TEXT, started_at TEXT NOT NULL, completed_at TEXT,
            harness_version TEXT, git_commit TEXT, git_dirty INTEGER, swift_version TEXT, libraries TEXT,
            os TEXT, cpu TEXT, isa TEXT, isa_reason TEXT, blas TEXT, threads INTEGER,
            precision TEXT, precision_reason TEXT,
            seed TEXT, sample_limit INTEGER, allow_overlap INTEGER NOT NULL DEFAULT 0,
            prompts TEXT, reference TEXT);
        CREATE TABLE model(
            id TEXT NOT NULL PRIMARY KEY, repo TEXT NOT NULL, revision TEXT, format TEXT, dtype TEXT, quantization TEXT,
            architecture TEXT, parameters INTEGER, layers INTEGER, hidden_size INTEGER,
            checkpoint_sha256 TEXT, tokenizer_sha256 TEXT, chat_template_sha256 TEXT);
        -- One model x method x eval, by content.
        CREATE TABLE run(
            key TEXT NOT NULL PRIMARY KEY, session_id TEXT NOT NULL REFERENCES session(id),
            model_id TEXT NOT NULL REFERENCES model(id),
            method TEXT NOT NULL, method_version INTEGER NOT NULL, method_options TEXT NOT NULL, label TEXT NOT NULL,
            edits_sha256 TEXT, edits_seconds REAL, search_key TEXT,
            eval TEXT NOT NULL, eval_version INTEGER NOT NULL, eval_options TEXT NOT NULL, n_shot INTEGER,
            data_sha256 TEXT, prompt_options TEXT, seed TEXT, sample_limit INTEGER, precision TEXT,
            n_original INTEGER, n_effective INTEGER, n_scored INTEGER, n_unscored INTEGER, n_degenerate INTEGER,
            status TEXT NOT NULL CHECK (status IN ('started', 'success', 'error', 'cancelled')), error TEXT,
            started_at TEXT NOT NULL, completed_at TEXT, seconds REAL, phase_seconds TEXT,
            prompt_tokens INTEGER, generated_tokens INTEGER, peak_rss_bytes INTEGER, samples_sha256 TEXT,
            is_shareable INTEGER NOT NULL DEFAULT 0);
        CREATE INDEX run_model ON run(model_id, label, eval);
        -- The plan of a session: which runs it covers, in suite order; a planned run may not exist yet.
        CREATE TABLE cell(
            session_id TEXT NOT NULL REFERENCES session(id) ON DELETE CASCADE,
            model TEXT NOT NULL, method TEXT NOT NULL, eval TEXT NOT NULL,
            model_index INTEGER NOT NULL, method_index INTEGER NOT NULL, eval_index INTEGER NOT NULL,
            run_key TEXT NOT NULL, PRIMARY KEY (session_id, model, method, eval));
        -- One row per response and filter (extractor, judge).
        CREATE TABLE sample(
            run_key TEXT NOT NULL REFERENCES run(key) ON DELETE CASCADE,
            sample_id TEXT NOT NULL, epoch INTEGER NOT NULL DEFAULT 0, filter TEXT NOT NULL DEFAULT 'none',
            input TEXT, prompt TEXT, target TEXT, output TEXT, answer TEXT, score REAL, explanation TEXT,
            metadata TEXT, response TEXT, doc_sha256 TEXT, prompt_sha256 TEXT, target_sha256 TEXT,
            seconds REAL, prompt_tokens INTEGER, generated_tokens INTEGER, error TEXT,
            PRIMARY KEY (run_key, sample_id, epoch, filter)) WITHOUT ROWID;
        CREATE TABLE metric(
            run_key TEXT NOT NULL REFERENCES run(key) ON DELETE CASCADE,
            name TEXT NOT NULL, filter TEXT NOT NULL DEFAULT 'none', position INTEGER NOT NULL DEFAULT 0,
            value REAL, stderr REAL, ci_low REAL, ci_high REAL, ci_method TEXT, n INTEGER NOT NULL,
            unscored INTEGER NOT NULL DEFAULT 0, higher_is_better INTEGER, unit TEXT, summary TEXT,
            is_headline INTEGER NOT NULL DEFAULT 0,
            baseline_delta REAL, baseline_delta_ci_low REAL, baseline_delta_ci_high REAL, baseline_delta_method TEXT,
            baseline_n INTEGER, p_value REAL, p_adjusted REAL,
            PRIMARY KEY (run_key, name, filter)) WITHOUT ROWID;
        CREATE TABLE trial(
            search_key TEXT NOT NULL, number INTEGER NOT NULL, parameters TEXT NOT NULL, objectives TEXT NOT NULL,
            refusals INTEGER NOT NULL, prompts INTEGER NOT NULL, kl REAL NOT NULL, seconds REAL,
            on_front INTEGER NOT NULL DEFAULT 0, chosen INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL,
            PRIMARY KEY (search_key, number)) WITHOUT ROWID;
        -- Content-keyed cache: it cannot be stale, so nothing in it expires.
        CREATE TABLE response(
            checkpoint_sha256 TEXT NOT NULL, edits_sha256 TEXT NOT NULL, request_sha256 TEXT NOT NULL,
            body BLOB NOT NULL, PRIMARY KEY (checkpoint_sha256, edits_sha256, request_sha256)) WITHOUT ROWID;
        -- owner_key: a run's key, a search's key or an edit's hash.
        CREATE TABLE artifact(
            owner_key TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL DEFAULT '', path TEXT, sha256 TEXT,
            body BLOB, PRIMARY KEY (owner_key, kind, name));
        -- Per-layer statistics of the two prompt classes; layer i is h_i.
        CREATE TABLE geometry(
            model_id TEXT NOT NULL, contrast_key TEXT NOT NULL, name TEXT NOT NULL, layer INTEGER NOT NULL,
            value REAL, PRIMARY KEY (model_id, contrast_key, name, layer)) WITHOUT ROWID;
        """
}
