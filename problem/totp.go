package problem

// OTPRequired is the answer to the right password of a user with one-time codes.
var OTPRequired = &Problem{Status: 401, Code: "otp_required", Detail: "One-time code required"}
