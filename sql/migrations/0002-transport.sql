-- How messages travel, and the index by which workers take them where there is no broker.

-- One row, which migrate makes: `switching` while tasks are shipped again on the way from one to another.
create table onceflow.deployment (
    one boolean primary key default true check (one),
    transport text collate "C" not null check (transport in ('kafka', 'postgres', 'switching')),
    -- Where it is being switched to.
    towards text collate "C" check (towards in ('kafka', 'postgres')),
    -- Which of the databases that stand side by side this is: its ids say so, see uuid7().
    cell int not null default 0 check (cell between 0 and 4095)
);
-- What was there before has run over Kafka, whatever the setting says now.
insert into onceflow.deployment (transport)
select 'kafka' where exists (select from onceflow.workflow);

-- The oldest messages of one queue, whatever waits on the others. Not concurrently, which takes a transaction
-- of its own: over Kafka, as all was before this, the outbox is next to empty.
-- squawk-ignore require-concurrent-index-creation
create index outbox_task on onceflow.outbox (topic, id) where kind = 'task';
