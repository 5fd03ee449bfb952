FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
COPY kit/go.mod kit/go.sum kit/
COPY kit/database/nocgo kit/database/nocgo
RUN go mod download
COPY . .
RUN make build && mkdir -p /empty/data /empty/tmp

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /src/bin/latchkey /latchkey
COPY --from=build --chown=65532:65532 /empty /
USER 65532:65532
# The default database is SQLite in /data/app.db.
ENV APP_ENVIRONMENT=production APP_SERVER_ADDRESS=:8080
# Near this limit, garbage is collected more often. Give the container a little more.
ENV GOMEMLIMIT=700MiB
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/latchkey", "health"]
ENTRYPOINT ["/latchkey"]
