-- Selection: bids on every 123rd auction.
CREATE TABLE answer (auction BIGINT, price BIGINT${key}) WITH (${sink});

INSERT INTO answer
SELECT auction, price FROM bid WHERE MOD(auction, 123) = 0;
