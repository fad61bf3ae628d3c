-- What only the database knows: the app has to ask for it.
create table items (
    id serial primary key,
    name text not null unique
);

insert into items (name) values ('anvil'), ('rocket skates'), ('giant magnet');

-- Its constraint is looked at when the transaction ends.
create table orders (
    id int primary key,
    item int references items (id) deferrable initially deferred
);
