-- People, auctions and bids in a topic each, as Protobuf, which has no type for moments: they are milliseconds.
CREATE TABLE person_message (
  id BIGINT, name STRING, emailAddress STRING, creditCard STRING, city STRING, state STRING, moment BIGINT, extra STRING,
  `dateTime` AS CAST(TO_TIMESTAMP_LTZ(moment, 3) AS TIMESTAMP(3)),
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (${source}, 'topic' = '${topic}_person', ${person_message});

CREATE TABLE auction_message (
  id BIGINT, itemName STRING, description STRING, initialBid BIGINT, reserve BIGINT, moment BIGINT, until BIGINT,
  seller BIGINT, category BIGINT, extra STRING,
  `dateTime` AS CAST(TO_TIMESTAMP_LTZ(moment, 3) AS TIMESTAMP(3)),
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (${source}, 'topic' = '${topic}_auction', ${auction_message});

CREATE TABLE bid_message (
  auction BIGINT, bidder BIGINT, price BIGINT, channel STRING, url STRING, moment BIGINT, extra STRING,
  `dateTime` AS CAST(TO_TIMESTAMP_LTZ(moment, 3) AS TIMESTAMP(3)),
  WATERMARK FOR `dateTime` AS `dateTime` - INTERVAL '4' SECOND
) WITH (${source}, 'topic' = '${topic}_bid', ${bid_message});

CREATE VIEW person AS
SELECT id, name, emailAddress, creditCard, city, state, `dateTime`, extra FROM person_message;

CREATE VIEW auction AS
SELECT id, itemName, description, initialBid, reserve, `dateTime`,
       CAST(TO_TIMESTAMP_LTZ(until, 3) AS TIMESTAMP(3)) AS expires, seller, category, extra
FROM auction_message;

CREATE VIEW bid AS
SELECT auction, bidder, price, channel, url, `dateTime`, extra FROM bid_message;
