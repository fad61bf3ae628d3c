insert into books values ('Dune'), ('Emma');
