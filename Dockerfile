# syntax=docker/dockerfile:1

# The bot alone, `keyreeve serve`. No shell, no git: `keyreeve demo` needs git, and runs from a checkout.
#
#   docker build -t keyreeve .
#   docker run -p 8080:8080 -v keyreeve:/data -v ./app.pem:/app.pem:ro \
#     -e KEYREEVE_APP_ID=… -e KEYREEVE_PRIVATE_KEY_FILE=/app.pem -e KEYREEVE_WEBHOOK_SECRET=… keyreeve

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download && go mod verify
COPY . .
# The same sources make the same bytes: no paths, no version control stamp, no build id.
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o /out/keyreeve ./cmd/keyreeve
# A volume takes the owner of the folder that it is first mounted over.
RUN mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/keyreeve /keyreeve
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV KEYREEVE_LISTEN=:8080 KEYREEVE_DATABASE_URL=/data/keyreeve.db
USER nonroot:nonroot
WORKDIR /data
VOLUME /data
EXPOSE 8080
ENTRYPOINT ["/keyreeve"]
CMD ["serve"]
