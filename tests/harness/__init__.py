"""What every suite shares: the server process and raw HTTP."""
