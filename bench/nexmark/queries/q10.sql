-- Log: every bid with its day and minute, for files by day and minute.
-- nexmark-flink writes partitioned files; what is measured here is the same query into the sink that both sides have.
CREATE TABLE answer (
  auction BIGINT, bidder BIGINT, price BIGINT, `dateTime` TIMESTAMP(3), extra STRING, dt STRING, hm STRING${key}
) WITH (${sink});

INSERT INTO answer
SELECT auction, bidder, price, `dateTime`, extra, DATE_FORMAT(`dateTime`, 'yyyy-MM-dd'), DATE_FORMAT(`dateTime`, 'HH:mm')
FROM bid;
