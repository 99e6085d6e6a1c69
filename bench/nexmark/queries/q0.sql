-- Pass through: what it costs to read, decode and hand on every bid.
CREATE TABLE answer (
  auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra STRING${key}
) WITH (${sink});

INSERT INTO answer
SELECT auction, bidder, price, `dateTime`, extra FROM bid;
