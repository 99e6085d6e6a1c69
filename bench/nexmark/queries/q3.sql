-- Local items: who in Oregon, Idaho or California sells in category 10. A join without a bound in time.
CREATE TABLE answer (name STRING, city STRING, state STRING, id BIGINT${key}) WITH (${sink});

INSERT INTO answer
SELECT p.name, p.city, p.state, a.id
FROM auction AS a
JOIN person AS p ON a.seller = p.id
WHERE a.category = 10 AND (p.state = 'OR' OR p.state = 'ID' OR p.state = 'CA');
