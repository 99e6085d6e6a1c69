-- Side input: each bid with what a bounded table says of it, looked up as the bid arrives.
-- Flink looks up in a file that it holds in memory, penstock in the topic of the same rows.
CREATE TABLE side_input (`key` BIGINT, `value` STRING, PRIMARY KEY (`key`) NOT ENFORCED) WITH (${side_input});

CREATE TABLE answer (
  auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), `value` STRING${key}
) WITH (${sink});

INSERT INTO answer
SELECT b.auction, b.bidder, b.price, b.`dateTime`, s.`value`
FROM (SELECT *, MOD(auction, 10000) AS side_key, PROCTIME() AS p_time FROM bid) AS b
JOIN side_input FOR SYSTEM_TIME AS OF b.p_time AS s ON b.side_key = s.`key`;
