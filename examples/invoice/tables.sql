-- The invoices: tables of the example, not of Onceflow. Applying this file again changes nothing.
-- Amounts are exact: price (2 digits) times quantity times 1 - discount (2 digits) has 4 digits.
--
-- Nothing here forbids a second invoice for one key. That there is none is what the example shows: the
-- engine commits the invoice together with the completion of its task, or neither.
create schema if not exists shop;

create table if not exists shop.invoice (
  id          bigint generated always as identity primary key,
  key         text not null,               -- the idempotency key of the task that made it
  series      text not null default 'N',   -- what its number begins with
  customer    text not null,               -- the customer's id in the shop
  details     jsonb not null,              -- company and address as they were when it was made
  subtotal    numeric(14, 4) not null default 0,
  freight     numeric(14, 4) not null default 0,
  total       numeric(14, 4) not null generated always as (subtotal + freight) stored,
  created_at  timestamptz not null default now(),
  voided_at   timestamptz
);
create index if not exists invoice_key on shop.invoice (key);

create table if not exists shop.invoice_line (
  invoice_id  bigint not null references shop.invoice on delete cascade,
  position    integer not null,            -- counts the lines of the whole invoice, from 1
  order_id    bigint not null,
  ordered_on  date not null,
  product     text not null,
  unit_price  numeric(12, 2) not null,
  quantity    integer not null check (quantity > 0),
  discount    numeric(3, 2) not null check (discount between 0 and 1),
  amount      numeric(14, 4) not null generated always as (unit_price * quantity * (1 - discount)) stored,
  primary key (invoice_id, position)
);
