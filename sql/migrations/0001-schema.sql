-- The tables of Onceflow. They are private: functions and views are the interface.
-- docs/state-machine.md draws the states that the checks below encode. A check that gives null holds. Postgres reads
-- the text of each anew for each statement that writes: so those of an instance and of a task, which every transition
-- writes, are one function each, which a session reads once. It raises what the checks by its names would have raised.

create schema onceflow;
revoke all on schema onceflow from public;

-- Definitions ---------------------------------------------------------------------------------

create table onceflow.workflow (
    id bigint generated always as identity primary key,
    name text collate "C" not null unique check (name ~ '^[A-Za-z][A-Za-z0-9_.-]{0,127}$'),
    created_at timestamptz not null default pg_catalog.clock_timestamp(),
    -- Since when an operator lets no new instances start.
    disabled_at timestamptz
);

create table onceflow.workflow_version (
    id bigint generated always as identity primary key,
    workflow_id bigint not null references onceflow.workflow,
    version int not null check (version > 0),
    definition jsonb not null,
    input_schema jsonb,
    -- What start_instances() itself checks of the schema; null where that is nothing.
    input_checks jsonb,
    -- Which of its keywords it does not, where these stand; null where there are none.
    input_unchecked text[],
    -- The signals that are declared, each null or {schema, checks, unchecked} of its payload; null where any is taken.
    signals jsonb,
    on_failure text not null check (on_failure in ('compensate', 'fail', 'suspend')),
    deadline interval check (deadline > interval '0'),
    -- Whether a step of it is a block, or may be visited more than once: what its expressions see takes a longer look.
    blocks boolean not null default false,
    -- Whether a step of it is a return.
    returns boolean not null default false,
    -- Fields of the input that instances are found by, `customer.email`; null where there are none.
    search text[],
    -- The tree that gives the labels of its instances; null where there are none.
    labels jsonb,
    created_at timestamptz not null default pg_catalog.clock_timestamp(),
    unique (workflow_id, version)
);

-- The compiled definition is rows, so that no transition reads a whole document. The workflow's own `output` is the
-- step workflow.output: a set that no edge makes due, since it is evaluated when nothing is open any more; its `on_failed` is
-- workflow.on_failed, a notice, which is made due before the end of an instance that has failed.
create table onceflow.step (
    version_id bigint not null references onceflow.workflow_version,
    step text collate "C" not null,
    kind text not null check (kind in (
        'task', 'set', 'fail', 'return', 'goto', 'steps', 'switch', 'parallel', 'race', 'for_each', 'repeat', 'try',
        'sleep', 'wait_for', 'approve', 'workflow', 'compensation', 'undo', 'undo_child', 'notice')),
    -- The block whose list it stands in, and which of its lists; null at the top, and of what undoes.
    block text collate "C",
    list int,
    join_count int not null check (join_count >= 0),
    spec jsonb not null,
    -- What transitions read of the spec, once each time a step is made, claimed or handed off; so too the
    -- names of its workflow and version.
    handler text generated always as (spec ->> 'task') stored,
    queue text collate "C" generated always as (coalesce(spec ->> 'queue', 'default')) stored,
    timeout float8 generated always as ((spec ->> 'timeout')::float8) stored,
    start_timeout float8 generated always as ((spec ->> 'start_timeout')::float8) stored,
    total_timeout float8 generated always as ((spec ->> 'total_timeout')::float8) stored,
    -- Whether the instance goes on when it has failed for good.
    continues boolean generated always as (coalesce(spec ->> 'on_failure' = 'continue', false)) stored,
    is_block boolean generated always as (
        kind in ('steps', 'switch', 'parallel', 'race', 'for_each', 'repeat', 'try')) stored,
    -- Whether it is a block of which one scope runs at a time.
    is_chain boolean generated always as (kind in ('repeat', 'try')) stored,
    -- Whether it waits by itself, for a time or for something that has a name.
    is_wait boolean generated always as (
        kind in ('sleep', 'wait_for', 'approve', 'workflow', 'undo_child')) stored,
    -- Whether it stands in a list, and edges make it due. Else it undoes, or tells of a failure, and a failure of its own
    -- waits for a person.
    is_forward boolean generated always as (kind not in ('compensation', 'undo', 'undo_child', 'notice')) stored,
    -- What a worker is told besides with each attempt; null for most.
    extra jsonb generated always as (spec -> 'extra') stored,
    -- The input of a step without expressions, the value of a set; null where there is something to evaluate.
    constant_input jsonb generated always as (
        case
            when spec ? 'when' or kind in ('fail', 'switch') then null
            when spec ? 'with' then spec -> 'with' -> 'v'
            else '{}'
        end) stored,
    workflow text collate "C" not null,
    version int not null,
    primary key (version_id, step)
);
create index step_in_list on onceflow.step (version_id, block, list) where block is not null;
create index step_for_event on onceflow.step ((spec ->> 'event')) where kind = 'wait_for';
create index step_returning on onceflow.step (version_id) where kind = 'return';

create table onceflow.edge (
    version_id bigint not null,
    from_step text collate "C" not null,
    to_step text collate "C" not null,
    kind text not null check (kind in ('next', 'undo')),
    -- That of to_step, so that passing an edge is one look; 0 where to_step may be visited more than once.
    join_count int not null,
    primary key (version_id, from_step, to_step, kind),
    foreign key (version_id, from_step) references onceflow.step,
    foreign key (version_id, to_step) references onceflow.step
);
-- Of what is undone alone: with all edges in it a plan that passes them would be drawn to it, as it is smaller than the key.
create index edge_undoing on onceflow.edge (to_step, version_id) where kind = 'undo';

-- What starts instances by itself: the entries of `on` of the latest version of each workflow.
create table onceflow.trigger (
    workflow_id bigint not null references onceflow.workflow,
    -- Its id, by which it is the same one in the next version, while its kind is the same.
    trigger text collate "C" not null,
    kind text collate "C" not null check (kind in ('schedule', 'kafka', 'webhook')),
    version_id bigint not null references onceflow.workflow_version,
    spec jsonb not null,
    -- Since when an operator lets it start nothing.
    paused_at timestamptz,
    -- Of a schedule: what was planned up to then is done with; the next time after it, null where that is still to be
    -- computed; and when it is due, which its jitter makes later: -infinity to be computed, null while it is paused.
    done_until timestamptz,
    next_at timestamptz,
    due_at timestamptz,
    -- Of a topic: what is wrong with it, as far as a relay has seen.
    problem text,
    -- Rises with each change of these, so that nothing is done twice by what was read before.
    turn int not null default 0,
    primary key (workflow_id, trigger)
);
create index trigger_due on onceflow.trigger (due_at) where due_at is not null;

-- What has come of the times that schedules had planned, that a backfill or a person has asked for.
create table onceflow.schedule_run (
    workflow_id bigint not null,
    trigger text collate "C" not null,
    -- Of a start by hand the time at which it was asked for.
    planned_at timestamptz not null,
    cause text collate "C" not null check (cause in ('schedule', 'backfill', 'manual')),
    state text collate "C" not null check (state in ('queued', 'started', 'skipped', 'missed', 'refused')),
    instance_id uuid check ((state = 'started') = (instance_id is not null)),
    -- Its instance had not ended when it was last looked at: that row alone knows, this says where to look.
    under_way boolean not null default false,
    at timestamptz not null,
    -- Of missed times that follow each other the last, and how many they are; null where they were not counted.
    until timestamptz,
    count int,
    error jsonb,
    primary key (workflow_id, trigger, planned_at),
    foreign key (workflow_id, trigger) references onceflow.trigger on delete cascade
);
-- Two, so that who looks for what waits does not read the last run of every schedule there is.
create index schedule_run_under_way on onceflow.schedule_run (workflow_id, trigger) where under_way;
-- By cause, too: the first of each is all that is looked at.
create index schedule_run_queued on onceflow.schedule_run (workflow_id, trigger, cause, planned_at) where state = 'queued';

-- What triggers heard and could make nothing of: of each the last fifty, by code and words.
create table onceflow.trigger_failure (
    workflow_id bigint not null,
    trigger text collate "C" not null,
    id bigint generated always as identity,
    code text collate "C" not null,
    message text not null,
    -- By which the last of them would be told from others.
    key text,
    times bigint not null,
    first_at timestamptz not null,
    last_at timestamptz not null,
    primary key (workflow_id, trigger, id),
    foreign key (workflow_id, trigger) references onceflow.trigger on delete cascade
);

-- Where the triggers of topics stand in them: it is changed in the transaction of what a record has started.
create table onceflow.topic_position (
    workflow_id bigint not null,
    trigger text collate "C" not null,
    topic text collate "C" not null,
    partition int not null check (partition >= 0),
    -- The topic that offsets are of, as the broker names it, and those that had its name before; empty where it tells none.
    topic_id text collate "C" not null,
    former_ids text[] not null default '{}',
    -- The offset of the record that is taken next.
    position bigint not null default 0 check (position >= 0),
    -- Where the log ended when a relay last looked.
    log_end bigint,
    taken_at timestamptz,
    primary key (workflow_id, trigger, topic, partition),
    foreign key (workflow_id, trigger) references onceflow.trigger on delete cascade
) with (fillfactor = 50);

-- A deployment's own values, which the expressions of definitions see as $config.NAME. The row of the latest
-- version of a name counts; the others are its history.
create table onceflow.config_value (
    name text collate "C" not null check (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$'),
    version int not null check (version > 0),
    -- Null: it was unset.
    value jsonb,
    set_by text not null,
    set_at timestamptz not null default pg_catalog.clock_timestamp(),
    primary key (name, version)
);

-- Who may call the api: programs by keys, people by passwords or by a provider that knows them. Of a key, and of what a
-- browser bears, only the hash is kept: it is 256 random bits, which nobody guesses from it.
create table onceflow.api_key (
    hash bytea not null primary key check (octet_length(hash) = 32),
    name text collate "C" not null check (name ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$'),
    role text not null check (role = any ('{viewer,starter,operator,deployer,admin}')),
    created_at timestamptz not null default pg_catalog.clock_timestamp(),
    expires_at timestamptz,
    -- To the minute.
    last_used_at timestamptz,
    revoked_at timestamptz
) with (fillfactor = 50);

-- The name of a revoked one may be given again.
create unique index on onceflow.api_key (name) where revoked_at is null;

create table onceflow.person (
    name text collate "C" not null primary key check (name ~ '^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$'),
    role text not null check (role = any ('{viewer,starter,operator,deployer,admin}')),
    -- By argon2id, as its libraries write it; null: whoever it is logs in by the provider alone.
    password text check (length(password) <= 500),
    -- Who it is to the provider of identities, as issuer and subject.
    subject text collate "C" unique check (length(subject) <= 1000),
    created_at timestamptz not null default pg_catalog.clock_timestamp(),
    disabled_at timestamptz
);

-- Ann and ann are one.
create unique index on onceflow.person (lower(name));

create table onceflow.session (
    hash bytea not null primary key check (octet_length(hash) = 32),
    person text collate "C" not null references onceflow.person on delete cascade,
    opened_at timestamptz not null,
    -- 12 hours after it was last used, to the minute; never after its end, 7 days after it was opened.
    live_until timestamptz not null check (live_until <= ends_at),
    ends_at timestamptz not null
) with (fillfactor = 50);

create index on onceflow.session (person);
create index on onceflow.session (live_until);

-- Instances and tasks, partitioned by the time in their UUIDv7 ---------------------------------
-- No foreign keys between these: a partition of one is dropped without a look at the others.

-- Whether an instance may be as it is. A list is one literal array, what is most rows' own stands first in it. Types are
-- named in full, since no path is set, which would be paid for each row.
create function onceflow.instance_fits(
    p_state text, p_closing_as text, p_compensate boolean, p_suspended_by text, p_suspended_at timestamptz,
    p_open_tasks int, p_ended_at timestamptz, p_deadline_at timestamptz, p_input jsonb, p_output jsonb)
returns boolean
language plpgsql immutable as $$
declare
    v_broken constant pg_catalog.text := case
        when not (p_state = any (case when p_ended_at is null
                then '{RUNNING,CLOSING,COMPENSATING}'::pg_catalog.text[]
                else '{SUCCEEDED,FAILED,COMPENSATED,CANCELLED}'
            end) and (p_ended_at is null or p_open_tasks = 0)) then 'instance_state'
        when p_open_tasks < 0 then 'instance_open_tasks'
        when not case when p_closing_as is null then p_state = any ('{RUNNING,SUCCEEDED}')
            else p_closing_as = any ('{FAILED,COMPENSATED,CANCELLED}')
                and (p_state = p_closing_as or p_state = 'CLOSING' or p_state = 'COMPENSATING' and p_compensate)
            end then 'instance_closing'
        when not case when p_suspended_at is null then p_suspended_by is null
            else p_suspended_by is not null and p_suspended_by = any ('{operator,dead_letter}') and p_ended_at is null
            end then 'instance_suspended'
        when p_deadline_at is not null and p_state <> 'RUNNING' then 'instance_deadline'
        when p_output is not null and p_state <> 'SUCCEEDED' then 'instance_output'
        when pg_catalog.pg_column_size(p_input) > 8500000 or pg_catalog.pg_column_size(p_output) > 8500000
            then 'instance_payload' end;
begin
    if v_broken is null then
        return true;
    end if;
    raise exception 'an instance that is % would break the rule %', p_state, v_broken
        using errcode = 'check_violation', schema = 'onceflow', table = 'instance', constraint = v_broken;
end $$;
revoke execute on function onceflow.instance_fits(
    text, text, boolean, text, timestamptz, int, timestamptz, timestamptz, jsonb, jsonb) from public;

create table onceflow.instance (
    id uuid not null,
    version_id bigint not null,
    state text collate "C" not null,
    closing_as text collate "C",
    compensate boolean not null default false,
    -- An operator, who holds the instance, or an open dead letter, which holds nothing but what depends on it.
    suspended_by text collate "C",
    suspended_at timestamptz,
    seq int not null default 0,
    -- Of all its scopes together.
    open_tasks int not null default 0,
    -- How many scopes it has made: the number of the last one. A transition that opens some tells it at its end.
    scopes bigint not null default 0,
    started_at timestamptz not null,
    ended_at timestamptz,
    deadline_at timestamptz,
    -- When its first steps come due, where that was not at once.
    start_at timestamptz,
    -- A transition of it was cut, and its scopes are to be looked at again.
    resume_at timestamptz,
    input jsonb not null,
    output jsonb,
    error jsonb,
    -- Since when its payloads are gone, and who had them erased.
    erased_at timestamptz,
    erased_by text,
    -- The entry of its definition's `on` that started it, and of a schedule the time that it was planned for.
    trigger text collate "C",
    scheduled_at timestamptz,
    -- The instance that a step of has started it and waits for it, and the first of the family; null of a root.
    parent_id uuid,
    root_id uuid,
    -- The W3C trace context that came with its start, {traceparent, tracestate}; null where none did.
    trace jsonb,
    constraint instance_fits check (onceflow.instance_fits(
        state, closing_as, compensate, suspended_by, suspended_at, open_tasks, ended_at, deadline_at, input, output))
) partition by range (id);
-- seq and open_tasks change at every transition and stand in no index: those updates stay HOT.
create index instance_by_state on onceflow.instance (state, (parent_id is null), id);
create index instance_by_version on onceflow.instance (version_id, id);
create index instance_deadline on onceflow.instance (deadline_at) where deadline_at is not null;
create index instance_resume on onceflow.instance (resume_at) where resume_at is not null;
create index instance_of_parent on onceflow.instance (parent_id, id) where parent_id is not null;
create index instance_suspended on onceflow.instance (id) where suspended_at is not null;
-- Of indexes that seem to cost the same a plan takes the youngest, so of this and the next tables their keys come last.
alter table onceflow.instance add primary key (id);

-- Whether a task may be as it is, as instance_fits() has it for instances.
create function onceflow.task_fits(
    p_state text, p_queue text, p_attempt int, p_extra_attempts int, p_passed int, p_scope bigint, p_visit int, p_seq int,
    p_worker_id uuid, p_fence uuid, p_call bigint, p_queued_xid xid8, p_due_at timestamptz, p_held_by text,
    p_input jsonb, p_output jsonb, p_error jsonb, p_reason text)
returns boolean
language plpgsql immutable as $$
declare
    v_broken constant pg_catalog.text := case
        -- A dead letter is open while seq is null, else a record.
        when p_state <> all (case when p_seq is null
                then '{RUNNING,QUEUED,READY,WAITING,RETRYING,DEAD_LETTER}'::pg_catalog.text[]
                else '{SUCCEEDED,FAILED,SKIPPED,CANCELLED,DEAD_LETTER}'
            end) then 'task_state'
        when not case when p_state = 'RUNNING'
            then p_worker_id is not null and p_fence is not null and p_call is not null and p_attempt > 0
            else p_worker_id is null and p_call is null
            end then 'task_running'
        when (p_state = 'QUEUED') <> (p_queued_xid is not null) then 'task_queued'
        when not case when p_state = 'RETRYING' then p_due_at is not null and p_attempt > 0
            when p_held_by = any ('{handler,secret}') then p_due_at is not null
            else p_due_at is null or p_state = any ('{RUNNING,WAITING}')
            end then 'task_due'
        when not case when p_held_by is null then p_state <> 'READY'
            else p_state = 'READY' and p_held_by = any ('{operator,handler,secret,limit,pause}')
            end then 'task_held'
        when not ((p_input is not null and p_queue is not null)
            -- What waits by itself has no queue.
            or (p_state = 'READY' and p_input is not null and p_held_by = 'operator')
            -- What no worker has run has neither: a set that SUCCEEDED, a step whose expression FAILED.
            or p_state = any ('{WAITING,SKIPPED,CANCELLED,DEAD_LETTER,FAILED}')
            or (p_state = 'SUCCEEDED' and p_attempt = 0)) then 'task_made'
        when p_output is not null and p_state <> all ('{SUCCEEDED,SKIPPED,FAILED}') then 'task_output'
        when p_error is null and p_state = any ('{RETRYING,FAILED,DEAD_LETTER}') then 'task_error'
        when (p_state = 'SKIPPED') <> (p_reason is not null) then 'task_reason'
        -- Of numbers joined bit by bit the sign is minus where that of any is.
        when (p_attempt | p_extra_attempts | p_passed | p_visit) < 0 or p_scope < 0 then 'task_counts'
        when pg_catalog.pg_column_size(p_input) > 8500000 or pg_catalog.pg_column_size(p_output) > 8500000
            then 'task_payload' end;
begin
    if v_broken is null then
        return true;
    end if;
    raise exception 'a task that is % would break the rule %', p_state, v_broken
        using errcode = 'check_violation', schema = 'onceflow', table = 'task', constraint = v_broken;
end $$;
revoke execute on function onceflow.task_fits(
    text, text, int, int, int, bigint, int, int, uuid, uuid, bigint, xid8, timestamptz, text, jsonb, jsonb, jsonb, text)
    from public;

create table onceflow.task (
    instance_id uuid not null,
    step text collate "C" not null,
    scope bigint not null default 0,
    visit int not null default 0,
    state text collate "C" not null,
    queue text collate "C",
    attempt int not null default 0,
    -- Attempts granted beyond those of the retry policy, by give-backs and redrives.
    extra_attempts int not null default 0,
    -- Live edges that have passed into a join.
    passed int not null default 0,
    -- Of the attempts, one was claimed and never answered: its effect may have happened.
    unknown boolean not null default false,
    -- The transition that ended the row; null while it is open.
    seq int,
    -- For a compensation: the seq of the row it undoes.
    undoes_seq int,
    worker_id uuid,
    -- The token of the claim; kept after the answer, so that a repeated answer is known again.
    fence uuid,
    -- The worker's counter of claiming calls, by which a renewal finds grants that never arrived.
    call bigint,
    -- The transaction that queued the row; it names this dispatch to the search for lost messages.
    queued_xid xid8,
    -- When the clock acts on the row: a retry that is due, an attempt that has timed out, another look
    -- for a worker that has the handler, or the secret; the start of an instance, or a step left by a transition that was cut;
    -- the end of a wait, which alone of what is WAITING without a fence has an input.
    due_at timestamptz,
    -- By when a worker has to claim it, once it is due, and by when it has to end, over all its attempts; null where its step
    -- sets no such limit.
    start_by timestamptz,
    end_by timestamptz,
    -- What a READY row waits for: an operator's resume, a worker that has its handler or its secrets, its queue's limit or resume.
    held_by text collate "C",
    changed_at timestamptz not null,
    input jsonb,
    output jsonb,
    error jsonb,
    reason text,
    constraint task_fits check (onceflow.task_fits(
        state, queue, attempt, extra_attempts, passed, scope, visit, seq, worker_id, fence, call, queued_xid, due_at, held_by,
        input, output, error, reason))
) partition by range (instance_id);
-- Each of these holds open rows alone, so none of them grows with history. The first two do not name
-- the state, so that no plan that looks a RUNNING or QUEUED row up by its key is drawn to them.
create index task_running on onceflow.task (worker_id, fence) where worker_id is not null;
create index task_queued on onceflow.task (queue, queued_xid) where queued_xid is not null;
-- Two jobs of the clock, one behind whose candidates stand expressions: what was held or claimed before, or waits, and
-- first steps.
create index task_due on onceflow.task (due_at)
    where due_at is not null and (attempt > 0 or held_by is not null or input is not null);
create index task_start on onceflow.task (due_at)
    where due_at is not null and attempt = 0 and held_by is null and input is null;
-- Of what is open and has a limit the next one; a claim has met that of the start, and changes nothing here.
create index task_limit on onceflow.task ((least(case when state in ('QUEUED', 'READY') then start_by end, end_by)))
    where (start_by is not null or end_by is not null) and seq is null and state <> 'DEAD_LETTER';
create index task_held on onceflow.task (held_by, queue) where held_by is not null;
create index task_dead_letter on onceflow.task (instance_id) where state = 'DEAD_LETTER' and seq is null;
create index task_undo on onceflow.task (instance_id, scope, undoes_seq)
    where state = 'WAITING' and undoes_seq is not null;
alter table onceflow.task add primary key (instance_id, step, scope, visit);

-- One row a transition; step is null where the instance itself moved.
-- seq numbers the transitions made under the instance's lock, n orders the rows of one of them, with gaps; claims
-- have neither: they are ordered by their task and attempt.
create table onceflow.task_log (
    instance_id uuid not null,
    seq int,
    n int,
    step text collate "C",
    scope bigint,
    visit int,
    attempt int,
    state text collate "C" not null,
    worker_id uuid,
    error jsonb,
    at timestamptz not null
) partition by range (instance_id);
create index task_log_by_instance on onceflow.task_log (instance_id, seq, n);
-- For statistics alone, which read a minute at a time; next to nothing to write, or to keep.
create index task_log_at on onceflow.task_log using brin (at) with (autosummarize = on);

-- Blocks and scopes: an instance without blocks has no row in either ------------------------------

-- What a block under way has opened, beside its task's row.
create table onceflow.block (
    instance_id uuid not null,
    step text collate "C" not null,
    scope bigint not null,
    visit int not null default 0,
    -- Its scopes: all, those opened so far, and of them those under way, ended, SUCCEEDED, closed as FAILED.
    total int not null,
    opened int not null default 0,
    under_way int not null default 0,
    ended int not null default 0,
    succeeded int not null default 0,
    failed int not null default 0,
    -- Of those opened, how many are not settled: ended, with nothing beneath that is open or being undone.
    live int not null default 0,
    -- Of its way back: the scopes below this ordinal have not had their turn yet; null before it begins.
    undo_next int,
    -- It has failed, and its step goes on once all its scopes have ended (closing) and are undone (undoing).
    unwinds text collate "C",
    -- Of a repeat or a try: what its scope that has failed is followed by, {list, error}, 0 being another attempt; the code
    -- of the error that a catch was taken for.
    plan jsonb,
    caught text,
    -- When it times out, when its next scope opens, and which of the two comes first.
    timeout_at timestamptz,
    resume_at timestamptz,
    due_at timestamptz generated always as (least(timeout_at, resume_at)) stored,
    constraint block_unwinds check (unwinds = any ('{closing,undoing}'))
) partition by range (instance_id);
create index block_due on onceflow.block (due_at) where due_at is not null;
alter table onceflow.block add primary key (instance_id, step, scope, visit);

-- One list of a block. Its number is that of its rows in task, unique in its instance; scope 0 is the instance's row.
create table onceflow.scope (
    instance_id uuid not null,
    scope bigint not null,
    -- The task of its block.
    block text collate "C" not null,
    parent bigint not null,
    visit int not null default 0,
    ordinal int not null,
    -- Which list of the block it runs.
    list int not null,
    state text collate "C" not null,
    -- What it is closing as.
    ends_as text collate "C",
    -- It undoes itself once it has drained, unless that is left to the scope around.
    outermost boolean not null default false,
    undoes boolean not null default true,
    -- Its way back: under way, done.
    undo text collate "C",
    -- Its open tasks, and its blocks that live.
    open int not null default 0,
    live int not null default 0,
    -- Ended, with nothing beneath that is open or being undone.
    settled boolean not null default false,
    -- What its steps see of their own: the item that they are for, the error that is caught.
    item jsonb,
    error jsonb,
    constraint scope_state check (
        state = any ('{OPEN,SUCCEEDED,WAITING,CLOSING,COMPENSATING,FAILED,CANCELLED}')),
    constraint scope_ends_as check ((ends_as is not null) = (state = any ('{CLOSING,COMPENSATING}'))),
    constraint scope_undo check (undo = any ('{under way,done}'))
) partition by range (instance_id);
-- The block first, so that no plan that looks a scope up by its key is drawn to it.
create index scope_of_block on onceflow.scope (block, instance_id, parent, visit, ordinal);
alter table onceflow.scope add primary key (instance_id, scope);

-- Waiting: an instance that waits for nothing with a name, and is sent nothing, has no row in either ----

-- What a step waits for that has a name. The row goes as its task's ends, so none of the indexes grows with history.
create sequence onceflow.wait_n;
create table onceflow.wait (
    instance_id uuid not null,
    step text collate "C" not null,
    scope bigint not null,
    visit int not null,
    kind text collate "C" not null,
    name text collate "C" not null,
    -- Of an event, what tells it from others of its name.
    key text collate "C",
    -- Of a form, whose name is its title: who is asked, who has taken it upon himself, and when they are reminded next.
    people text[],
    claimed_by text,
    claimed_at timestamptz,
    remind_at timestamptz,
    -- Of several steps that wait for the same, the one that began first gets it.
    n bigint not null,
    primary key (instance_id, step, scope, visit),
    constraint wait_kind check (kind = any ('{signal,event,form,child}')),
    constraint wait_form check ((kind = 'form') = (people is not null) and (claimed_by is null) = (claimed_at is null))
) partition by range (instance_id);
alter sequence onceflow.wait_n owned by onceflow.wait.n;
create index wait_in_order on onceflow.wait (instance_id, name, n) where kind = 'signal';
create index wait_for_event on onceflow.wait (name, key) where kind = 'event';
create index wait_people on onceflow.wait using gin (people) where kind = 'form';
create index wait_form on onceflow.wait (n) where kind = 'form';
create index wait_remind on onceflow.wait (remind_at) where remind_at is not null;

-- The inbox: what is sent to an instance, written by whoever causes it, and applied in a transition of the receiver, in
-- the order of the ids.
create sequence onceflow.delivery_id;
create table onceflow.delivery (
    instance_id uuid not null,
    id bigint not null,
    kind text collate "C" not null,
    name text collate "C",
    -- By which a repetition is known.
    key text collate "C",
    payload jsonb,
    error jsonb,
    -- The task that it is for; of a signal the one that has taken it.
    step text collate "C",
    scope bigint,
    visit int,
    -- Sent: to be applied; kept: nobody waits for it yet; void: it came too late for its task.
    state text collate "C" not null,
    made_at timestamptz not null,
    primary key (instance_id, id),
    constraint delivery_kind check (kind = any ('{signal,event,form,end,cancel,undo,start}')),
    constraint delivery_state check (
        state = any (case kind when 'signal' then '{kept,taken}'::text[] else '{sent,taken,void}' end)
        and (state <> 'taken' or kind <> 'signal' or step is not null)),
    constraint delivery_payload check (pg_catalog.pg_column_size(payload) <= 8500000)
) partition by range (instance_id);
alter sequence onceflow.delivery_id owned by onceflow.delivery.id;
-- What is to be applied, oldest first, by a condition that no plan which looks up one instance's is drawn to; and that of one.
create index delivery_sent on onceflow.delivery (id) where nullif(state, 'sent') is null;
create index delivery_open on onceflow.delivery (instance_id, id) where state = 'sent';
create index delivery_event on onceflow.delivery (instance_id, step, key) where kind = 'event';
create index delivery_kept on onceflow.delivery (instance_id, name, id) where state = 'kept';
-- What people have done with a form: claim, release, reassign, answer.
create index delivery_form on onceflow.delivery (instance_id, step, scope, visit) where kind = 'form';
create unique index delivery_key on onceflow.delivery (instance_id, key) where kind = 'signal' and key is not null;

-- What was sent to whoever waits for it: kept for those who begin to wait later, and by its id to know a repetition.
create table onceflow.event (
    name text collate "C" not null check (name ~ '^[A-Za-z][A-Za-z0-9_.-]{0,127}$'),
    id text collate "C" not null check (pg_catalog.length(id) between 1 and 255),
    key text collate "C" not null check (pg_catalog.length(key) between 1 and 255),
    payload jsonb not null,
    sent_at timestamptz not null,
    keep_until timestamptz not null,
    -- Of several sent at one time the order.
    n bigint not null,
    primary key (name, id)
);
create index event_in_order on onceflow.event (name, key, sent_at, n);
create index event_over on onceflow.event (keep_until);

-- Who begins to wait for an event holds the row of its name and key, shared, from before he looks for it until he has
-- committed; who sends one holds it for himself: so one of the two sees the other. Several may share a row by chance.
create table onceflow.event_lock (
    bucket int primary key
);
insert into onceflow.event_lock (bucket) select b from pg_catalog.generate_series(0, 1023) b;
-- Which task of which instance has an instance of its own started, written as the step begins: both read it, and neither
-- the other's rows. A family lies in one partition, that of its root.
create table onceflow.child (
    instance_id uuid not null primary key,
    parent_id uuid not null,
    step text collate "C" not null,
    scope bigint not null,
    visit int not null,
    -- How many instances are above it.
    depth int not null,
    -- Of several for one task, since it was redriven, the last counts.
    n bigint not null,
    -- Which task its next end is for; null where nobody is told of it: it was told, or nobody waits.
    answers text collate "C"
) partition by range (instance_id);
create index child_of_task on onceflow.child (parent_id, step, scope, visit, n);

-- Messages --------------------------------------------------------------------------------------

create table onceflow.outbox (
    id bigint generated always as identity primary key,
    kind text not null check (kind in ('task', 'event', 'dead_letter', 'form')),
    topic text collate "C" not null,
    key text,
    value text not null,
    headers jsonb not null default '{}',
    queued_xid xid8 not null,
    made_at timestamptz not null,
    not_before timestamptz,
    tries int not null default 0,
    error text
) with (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 50000);

-- Messages of what was held for its handler, which only those who have it take.
create index outbox_held on onceflow.outbox (topic) where kind = 'task' and headers ? 'handler';

create table onceflow.quarantine (
    id bigint generated always as identity primary key,
    source text not null check (source in ('message', 'outbox', 'record')),
    topic text not null,
    partition int,
    "offset" bigint,
    payload bytea,
    -- For an outbox row: the row itself, so that it can be put back.
    outbox jsonb,
    reason text not null,
    at timestamptz not null,
    -- For a record of a topic: whose it is, and what expressions see of it, without the value where payload has that, since
    -- it could not be read; and since when it is to be taken again.
    workflow text,
    trigger text,
    record jsonb,
    released_at timestamptz,
    check ((source = 'outbox') = (outbox is not null)),
    constraint quarantine_record check (
        (source = 'record') = (record is not null) and (source = 'record') = (workflow is not null and trigger is not null)
        and (released_at is null or source = 'record'))
);
-- Those that are to be taken again.
create index quarantine_released on onceflow.quarantine (workflow, trigger) where released_at is not null;
-- Kept once, however often it comes; by its content too, since a broker that has lost its data counts
-- its offsets anew.
create unique index quarantine_message on onceflow.quarantine
    (topic, partition, "offset", pg_catalog.md5(payload)) where source = 'message';

create table onceflow.queue (
    name text collate "C" primary key check (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'),
    -- Since when an operator lets nothing of it be given out.
    paused_at timestamptz,
    -- It was paused, and the clock has to look for what was held meanwhile.
    releasing boolean not null default false
);
create index queue_paused on onceflow.queue (name) where paused_at is not null or releasing;

-- Clients and workers ---------------------------------------------------------------------------

-- A key lives as long as its instance is kept: it goes with the instance's partition.
create table onceflow.idempotency_key (
    workflow_id bigint not null,
    key text collate "C" not null check (pg_catalog.length(key) between 1 and 255),
    input_hash bytea not null,
    instance_id uuid not null,
    -- The key first: it is looked for without its workflow too.
    primary key (key, workflow_id)
);
create index idempotency_key_instance on onceflow.idempotency_key (instance_id);

-- What instances are found by: one row for each field that their workflow's `search` names and their input has, and for
-- each label, in one index for all weeks, so that a look-up costs the same however many there are. It lives as long as its
-- instance.
create table onceflow.search_value (
    -- The path of a field, customer.email, or the name of a label behind an @, which no path has.
    field text collate "C" not null,
    -- A number without trailing zeros; of what is longer than 255 bytes the sha256, in hexadecimal.
    value text collate "C" not null,
    instance_id uuid not null,
    workflow_id bigint not null,
    primary key (field, value, instance_id)
);
create index search_value_instance on onceflow.search_value (instance_id);

create table onceflow.worker (
    id uuid primary key,
    name text not null,
    queues text[] not null,
    tasks text[] not null,
    -- The handlers' own retry policies, by task.
    retries jsonb not null default '{}',
    -- What tells one signature of a handler from another, by task.
    signatures jsonb not null default '{}',
    state text collate "C" not null check (state in ('live', 'stopped', 'dead')),
    lease interval not null check (lease between interval '100 milliseconds' and interval '1 hour'),
    lease_until timestamptz not null,
    progress jsonb not null default '{}',
    stats jsonb not null default '{}',
    registered_at timestamptz not null,
    ended_at timestamptz
) with (fillfactor = 50);
create index worker_live on onceflow.worker (id) where state = 'live';

-- What the clock remembers of its looks at the workers, which are its heartbeat: one row.
create table onceflow.clock (
    one boolean primary key default true check (one),
    last_tick_at timestamptz,
    -- The relay that turned it then.
    turned_by text,
    -- Until then no worker is declared dead: Postgres or the clock itself was away.
    grace_until timestamptz
) with (fillfactor = 50);
insert into onceflow.clock default values;

-- What one session does at a time: whoever is at it holds the row's lock, and nobody can who is merely
-- connected, as with an advisory lock.
create table onceflow.job (
    name text collate "C" primary key
);
insert into onceflow.job (name)
values ('fire_timers'), ('begin_instances'), ('fail_lost_attempts'), ('enforce_deadlines'), ('apply_deliveries'),
    ('forget_events'), ('remind_people'), ('fire_schedules'), ('start_queued_runs'), ('partitions'),
    ('sum_statistics'), ('analyze_partitions');

-- What the log tells, minute by minute: pages, metrics and alarms read this, and never the log. sum_statistics() alone writes it.
create table onceflow.statistic (
    -- How long the span is that begins at `at`: a minute, ten, an hour, a day.
    seconds int not null,
    -- Empty: all of them.
    workflow text collate "C" not null,
    -- Empty: the instances themselves; *: all steps, where workflow is empty.
    step text collate "C" not null,
    at timestamptz not null,
    -- Which state was entered. RUNNING: an instance was started, an attempt claimed.
    outcome text collate "C" not null,
    count bigint not null,
    -- For how many of them it is known how long what came before took: of a claim since it was due, of another outcome of an
    -- attempt since its claim, of the end of an instance since its start. How many seconds all that is, and how many of them
    -- took less than each of latency_bounds(), and no less than the one before; the last: more than all.
    measured bigint not null,
    total float8 not null,
    buckets bigint[] not null,
    primary key (seconds, workflow, step, at, outcome)
) with (fillfactor = 70);
create index statistic_at on onceflow.statistic (seconds, at);

-- Starts of instances, and their ends by state, by labels: of those alone that the operator has named to the relay. sum_statistics()
-- alone writes it, in the spans of statistic; who names none has no row.
create table onceflow.label_statistic (
    seconds int not null,
    at timestamptz not null,
    label text collate "C" not null,
    workflow text collate "C" not null,
    -- *: all that have no row of their own, of which a label and a workflow have a hundred in a span.
    value text collate "C" not null,
    outcome text collate "C" not null,
    count bigint not null,
    primary key (seconds, at, label, workflow, value, outcome)
) with (fillfactor = 70);

-- Minutes that are over and not summed for good: some transaction may still commit what it did in one. Once all whose
-- number is below settled_at have ended, none will.
create table onceflow.statistic_minute (
    minute timestamptz primary key,
    settled_at xid8 not null,
    -- It was summed already, for as long as that takes; one of how many instances was looked at.
    counted boolean not null default false,
    part int
);

-- Up to where minutes were noted in it: one row.
create table onceflow.statistic_clock (
    one boolean primary key default true check (one),
    noted_until timestamptz not null,
    -- label_statistic has rows: else nobody looks.
    labelled boolean not null default false
);
insert into onceflow.statistic_clock (noted_until)
values (pg_catalog.date_trunc('minute', pg_catalog.clock_timestamp(), 'UTC'));

-- Weeks of which every instance has ended, and when the last of them did: what retention goes by.
create table onceflow.ended_week (
    week date primary key,
    last_end timestamptz not null
);

-- The time that a test has set; empty in production.
create table onceflow.test_clock (
    one boolean primary key default true check (one),
    at timestamptz not null
);

-- Who changed what, one row a target, written in the transaction of the change: all but starts, signals and what workers
-- and the clock do. docs/audit.md has the verbs.
create table onceflow.audit_entry (
    id bigint generated always as identity primary key,
    at timestamptz not null,
    -- Who was logged in to Postgres, and who acts through that, as api, command line or client claim.
    login text collate "C" not null,
    actor text collate "C",
    -- Where the claim comes from, else who is connected; null of a socket.
    address text collate "C",
    verb text collate "C" not null,
    kind text collate "C" not null,
    -- Its id or name; of what belongs to that (a task, a trigger) its own name too.
    target text collate "C" not null,
    part text collate "C",
    before jsonb,
    after jsonb,
    -- More than one: of a call that changed more than a thousand, of which target is the first.
    count int not null default 1
);
create index audit_in_order on onceflow.audit_entry (at, id);
create index audit_of_actor on onceflow.audit_entry ((coalesce(actor, login)), at, id);
create index audit_of_verb on onceflow.audit_entry (verb, at, id);
create index audit_of_target on onceflow.audit_entry (target, at, id);

-- Sets that the internal functions hand to each other --------------------------------------------

create type onceflow.task_key as (instance_id uuid, step text, scope bigint, visit int);

-- A scope of an instance; 0 is the instance itself.
create type onceflow.scope_key as (instance_id uuid, scope bigint);

-- Open tasks that a scope has gained or lost and that its row does not tell yet.
create type onceflow.scope_count as (instance_id uuid, scope bigint, opened int);

-- A scope that is to close; outermost: it undoes itself, undoes: unless that is left to the scope around.
create type onceflow.closing_scope as (instance_id uuid, scope bigint, outermost boolean, undoes boolean);

-- A scope around a task that has failed, its block's task, and the error that they end with.
create type onceflow.failed_way as (
    instance_id uuid, scope bigint, block text, parent bigint, visit int, error jsonb);

-- What has come of scopes of a block: how many have ended, succeeded, settled.
create type onceflow.block_count as (
    instance_id uuid, step text, scope bigint, visit int, ended int, succeeded int, settled int);

-- A block that begins; items are those of a for_each, the number of the case that a switch has taken, or of a repeat what a
-- person says that its condition gives.
create type onceflow.begun_block as (
    instance_id uuid, step text, scope bigint, visit int, version_id bigint, seq int, items jsonb);

-- A scope of a try that closes behind a failure, the list that is to follow it, and the task that has failed.
create type onceflow.chain_plan as (instance_id uuid, scope bigint, list int, failed onceflow.task_key);

-- What a repeat or a try does next: open (its list, what its steps see of their own, of a catch the code that it is for), end,
-- wait (until a time), or fail (with an error).
create type onceflow.chain_move as (
    what text, list int, item jsonb, caught text, resume_at timestamptz, error jsonb);

-- A wait that is over: what its step gives, or the error that it fails with.
create type onceflow.ended_wait as (
    instance_id uuid, step text, scope bigint, visit int, output jsonb, error jsonb);

-- A step that begins to wait for something that has a name; items are what it begins with, besides its input.
create type onceflow.begun_wait as (
    instance_id uuid, step text, scope bigint, visit int, version_id bigint, kind text, items jsonb);

-- An instance that a task of another has told to start: of which version, unless there is an error.
create type onceflow.child_start as (
    instance_id uuid, parent_id uuid, root_id uuid, step text, scope bigint, visit int, detached boolean,
    workflow_id bigint, version_id bigint, deadline interval, searched boolean, labelled boolean, key text, input jsonb, trace jsonb, error jsonb);

-- What has come of it, which instance it is, and why there is none.
create type onceflow.started_child as (outcome text, instance_id uuid, error jsonb);

-- A signal that is sent, what becomes of it, in words too, the wait that takes it (step null: it is kept), and what of its
-- payload does not fit.
create type onceflow.judged_signal as (
    n bigint, instance_id uuid, name text, key text, payload jsonb, outcome text, detail text,
    step text, scope bigint, visit int, faults jsonb);

-- An event that is sent, and what becomes of it, in words too.
create type onceflow.judged_event as (
    n bigint, id text, name text, key text, payload jsonb, outcome text, detail text);
-- An answer to a form, what becomes of it, in words too, and what of it does not fit.
create type onceflow.judged_answer as (
    n bigint, instance_id uuid, step text, scope bigint, visit int, key text, payload jsonb, outcome text, detail text, faults jsonb);

-- What an expression gave: an input or output, or why there is none.
create type onceflow.evaluation as (runs boolean, value jsonb, error jsonb);

-- What `output` gave, of one instance.
create type onceflow.evaluated_output as (instance_id uuid, value jsonb, error jsonb);

-- A task that has ended or comes due, and what its instance was when it was locked; seq is the number
-- of the transition under way. suspended_at: since when an operator holds the instance. waits: its row is there
-- already, in WAITING. given: {place, value} of one that a person redrives: what its expression should
-- have given. undoes_seq: of a compensation whose turn comes as it is planned, and which has no row yet.
create type onceflow.placed_task as (
    instance_id uuid, step text, scope bigint, visit int,
    version_id bigint, seq int, state text, suspended_at timestamptz, waits boolean,
    given jsonb, undoes_seq int);

-- An attempt that ended without success.
create type onceflow.failed_attempt as (
    instance_id uuid, step text, scope bigint, visit int, fence uuid,
    error jsonb, retryable boolean, unknown boolean, retry jsonb);

-- Why something does not move, in words, and what is to be done: a verb with its arguments, which each door
-- writes as one types it there; null where nothing is.
create type onceflow.explanation as (because text, verb text, args jsonb);

-- One task that is given to a worker, as claims tell it.
create type onceflow.hand_off as (
    instance_id uuid, task text, answer text, fence uuid, handler text, queue text, input jsonb, attempt int, timeout float8,
    key text, workflow text, version int, compensation boolean, extra jsonb);

-- One transition of a task (or, where step is null, of the instance); opened counts open tasks. seq is
-- its number, null where who made the change did not have it at hand.
create type onceflow.change as (
    instance_id uuid, step text, scope bigint, visit int, attempt int,
    was text, state text, opened int, worker_id uuid, queue text, error jsonb, seq int);
